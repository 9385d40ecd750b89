-- The ids of services by name, in every namespace.
SELECT service_id FROM service_dim WHERE tenant_id = $1 AND name = ANY($2)
