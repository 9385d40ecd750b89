package native

import (
	"bytes"
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
	"github.com/ollyscale/ollyscale/services/query/internal/saved"
)

// Saved is where queries are kept under a name; saved.Store is one.
type Saved interface {
	List(ctx context.Context, tenant telemetry.Tenant, kind, page string) ([]saved.Entry, error)
	Get(ctx context.Context, tenant telemetry.Tenant, id string) (saved.Item, error)
	Create(ctx context.Context, tenant telemetry.Tenant, by string, w saved.Wish) (saved.Item, error)
	Replace(ctx context.Context, tenant telemetry.Tenant, by, id string, version int64, w saved.Wish) (saved.Item, error)
	Delete(ctx context.Context, tenant telemetry.Tenant, by, id string, version int64) error
}

// savedKinds are the kinds of what is kept, each with what it asks of its page and document.
func savedKinds() []savedKind {
	return []savedKind{
		{api.SavedKindQuery, handlers.checkQuery},
		{api.SavedKindDashboard, func(_ handlers, w api.SavedQueryWish) error {
			if w.Page != "" {
				return saved.ErrMalformed.New("page: a dashboard is of no list")
			}
			return nil
		}},
	}
}

type savedKind struct {
	name  api.SavedKind
	check func(handlers, api.SavedQueryWish) error
}

// savedPages are the lists that a query can be of, named as in their paths, and what they list.
func savedPages() []savedPage {
	return []savedPage{
		{api.SavedPageTraces, telemetry.Traces}, {api.SavedPageSpans, telemetry.Traces}, {api.SavedPageLogs, telemetry.Logs}, {api.SavedPageMetrics, telemetry.Metrics},
	}
}

type savedPage struct {
	name   api.SavedPage
	signal telemetry.Signal
}

// oneOf finds a value of a table by its name, or says which there are.
func oneOf[T any, N ~string](table []T, nameOf func(T) N, name N, what string) (T, error) {
	var names []string
	for _, t := range table {
		if nameOf(t) == name {
			return t, nil
		}
		names = append(names, string(nameOf(t)))
	}
	var none T
	return none, saved.ErrMalformed.Newf("%s: %.64q is none of %s", what, string(name), strings.Join(names, ", "))
}

func savedKindOf(name api.SavedKind) (savedKind, error) {
	return oneOf(savedKinds(), func(k savedKind) api.SavedKind { return k.name }, name, "kind")
}

func savedPageOf(name api.SavedPage) (savedPage, error) {
	return oneOf(savedPages(), func(p savedPage) api.SavedPage { return p.name }, name, "page")
}

// editor is who sent a request that changes what his tenant keeps. That he may was seen to before, as in administrator.
func (h handlers) editor(c echo.Context) (auth.Identity, error) {
	who, err := h.who(c)
	if err != nil {
		return who, err
	}
	return who, who.May(auth.Edit)
}

func (h handlers) ListSavedQueries(c echo.Context, p api.ListSavedQueriesParams) error {
	tenant, err := h.tenant(c)
	if err != nil {
		return err
	}
	if p.Kind != "" {
		if _, err := savedKindOf(p.Kind); err != nil {
			return err
		}
	}
	if p.Page != "" {
		if _, err := savedPageOf(p.Page); err != nil {
			return err
		}
	}
	entries, err := h.set.Saved.List(c.Request().Context(), tenant, string(p.Kind), string(p.Page))
	list := api.SavedQueryList{SavedQueries: make([]api.SavedQuery, len(entries))}
	for i, e := range entries {
		list.SavedQueries[i] = savedQuery(saved.Item{Entry: e})
	}
	return answer(c, list, err)
}

func (h handlers) GetSavedQuery(c echo.Context, id api.SavedID, _ api.GetSavedQueryParams) error {
	tenant, err := h.tenant(c)
	if err != nil {
		return err
	}
	item, err := h.set.Saved.Get(c.Request().Context(), tenant, id)
	return answer(c, savedQuery(item), err)
}

func (h handlers) CreateSavedQuery(c echo.Context, _ api.CreateSavedQueryParams) error {
	who, err := h.editor(c)
	if err != nil {
		return err
	}
	body, err := decodeBody[api.SavedQueryWish](c, "a query to save")
	if err != nil {
		return err
	}
	wish, err := h.savedWish(body)
	if err != nil {
		return err
	}
	item, err := h.set.Saved.Create(c.Request().Context(), who.Tenant, who.Name(), wish)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusCreated, savedQuery(item))
}

func (h handlers) ReplaceSavedQuery(c echo.Context, id api.SavedID, _ api.ReplaceSavedQueryParams) error {
	who, err := h.editor(c)
	if err != nil {
		return err
	}
	body, err := decodeBody[api.SavedQueryChange](c, "a change of a saved query")
	if err != nil {
		return err
	}
	wish, err := h.savedWish(api.SavedQueryWish{Kind: body.Kind, Page: body.Page, Name: body.Name, Description: body.Description, Document: body.Document})
	if err != nil {
		return err
	}
	item, err := h.set.Saved.Replace(c.Request().Context(), who.Tenant, who.Name(), id, body.Version, wish)
	return answer(c, savedQuery(item), err)
}

func (h handlers) DeleteSavedQuery(c echo.Context, id api.SavedID, p api.DeleteSavedQueryParams) error {
	who, err := h.editor(c)
	if err != nil {
		return err
	}
	if err := h.set.Saved.Delete(c.Request().Context(), who.Tenant, who.Name(), id, p.Version); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// savedWish checks what a kind asks of a document; what it may take, the store does.
func (h handlers) savedWish(w api.SavedQueryWish) (saved.Wish, error) {
	kind, err := savedKindOf(w.Kind)
	if err != nil {
		return saved.Wish{}, err
	}
	wish := saved.Wish{Kind: string(w.Kind), Page: string(w.Page), Name: w.Name, Description: w.Description, Document: w.Document}
	if wish, err = wish.Checked(); err != nil {
		return saved.Wish{}, err
	}
	return wish, kind.check(h, w)
}

var lastTime = regexp.MustCompile(`^[1-9][0-9]{0,5}[smhdw]$`)

// checkQuery holds a query against what a search of its list takes.
func (h handlers) checkQuery(w api.SavedQueryWish) error {
	page, err := savedPageOf(w.Page)
	if err != nil {
		return err
	}
	document, err := decodeObject[api.QueryDocument](bytes.NewReader(w.Document))
	if err != nil {
		return saved.ErrMalformed.Newf("document: it is not a query: %v", otlpjson.Plain(err))
	}
	ranged := document.TimeRange != (api.TimeRange{})
	switch {
	case document.Last != "" && ranged:
		return saved.ErrMalformed.New("document: time_range and last are two times; say one")
	case document.Last != "" && !lastTime.MatchString(document.Last):
		return saved.ErrMalformed.Newf("document.last: %.64q is not a time such as 30m, 6h or 7d", document.Last)
	case len(document.Columns) > mostFields:
		return saved.ErrMalformed.Newf("document.columns: %d are more than %d", len(document.Columns), mostFields)
	case slices.ContainsFunc(document.Columns, func(name string) bool { return name == "" || len(name) > maxColumn }):
		return saved.ErrMalformed.Newf("document.columns: want names of 1 to %d bytes", maxColumn)
	case len(document.Chart) > 0 && document.Chart[0] != '{':
		return saved.ErrMalformed.New("document.chart: want an object")
	}
	if !ranged {
		document.TimeRange = api.TimeRange{StartTime: "0", EndTime: "1"} // a search has one
	}
	_, err = h.newSearch("", string(page.name), page.signal, api.SearchRequest{TimeRange: document.TimeRange, Filters: document.Filters, Scope: document.Scope, Sort: document.Sort})
	if err != nil {
		of := fault.From(err)
		return of.Newf("document: %s", of.Message)
	}
	return nil
}

// maxColumn bounds the name of a column, in bytes: that of an attribute with its scope, and some more.
const maxColumn = 300

func savedQuery(i saved.Item) api.SavedQuery {
	return api.SavedQuery{
		ID: i.ID, Kind: api.SavedKind(i.Kind), Page: api.SavedPage(i.Page), Name: i.Name, Description: i.Description, Document: i.Document, Version: i.Version,
		CreatedAt: i.CreatedAt.UTC(), CreatedBy: i.CreatedBy, UpdatedAt: i.UpdatedAt.UTC(), UpdatedBy: i.UpdatedBy,
	}
}
