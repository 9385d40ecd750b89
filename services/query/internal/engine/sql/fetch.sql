FETCH FORWARD {{.Count}} FROM headers
