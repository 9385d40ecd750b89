// For people who have the atlas CLI: `atlas migrate apply --env local --url "$OLLY_POSTGRES_URL"` works on the same directory and the
// same revision table as `migrator up`.
env "local" {
  url = getenv("OLLY_POSTGRES_URL")
  migration {
    dir              = "file://migrations"
    revisions_schema = "atlas_schema_revisions"
  }
  lint {
    destructive {
      error = true
    }
  }
}
