DELETE FROM {table} WHERE at < $1
