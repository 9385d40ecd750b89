module github.com/ollyscale/ollyscale/schema

go 1.26.4
