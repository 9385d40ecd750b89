package web_test

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/services/query/web"
)

func TestFilesAlwaysHaveAPage(t *testing.T) {
	t.Parallel()
	page, err := fs.ReadFile(web.Files(), "index.html")
	require.NoError(t, err)
	require.Contains(t, string(page), "<title>ollyScale</title>")
}

func TestBuiltInterfaceCarriesItsAssets(t *testing.T) {
	t.Parallel()
	assets, err := fs.Glob(web.Files(), "assets/*.js")
	require.NoError(t, err)
	require.Equal(t, web.Built(), len(assets) > 0)
}
