package demo

import (
	"fmt"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// visit tells one story, chosen by how often people do such things.
func (s *story) visit() {
	visits := []struct {
		weight int
		tell   func()
	}{
		{28, s.browse},
		{26, s.product},
		{14, s.addToCart},
		{8, s.viewCart},
		{9, s.checkout},
		{6, s.search},
		{4, s.setCurrency},
		{3, s.probe},
		{2, s.restock},
	}
	total := 0
	for _, v := range visits {
		total += v.weight
	}
	n := s.rand.IntN(total)
	for _, v := range visits {
		if n -= v.weight; n < 0 {
			v.tell()
			return
		}
	}
}

type item struct {
	id, name, category string
	cents              int
}

func catalogue() []item {
	return []item{
		{"OLJCESPC7Z", "National Park Foundation Explorascope", "telescopes", 10196},
		{"66VCHSJNUP", "Starsense Explorer Refractor Telescope", "telescopes", 34995},
		{"1YMWWN1N4O", "Eclipsmart Travel Refractor Telescope", "telescopes", 12995},
		{"L9ECAV7KIM", "Lens Cleaning Kit", "accessories", 2195},
		{"2ZYFJ3GM2N", "Roof Binoculars", "binoculars", 20995},
		{"0PUK6V6EV0", "Solar System Color Imager", "accessories", 17500},
		{"LS4PSXUNUM", "Red Flashlight", "flashlights", 5780},
		{"9SIQT8TOJO", "Optical Tube Assembly", "assembly", 359900},
		{"6E92ZMYYFZ", "Solar Filter", "accessories", 6995},
		{"HQTGWGPNH4", "The Comet Book", "books", 99},
	}
}

func (s *story) item() item {
	list := catalogue()
	return list[s.rand.IntN(len(list))]
}

func (s *story) one(list ...string) string { return list[s.rand.IntN(len(list))] }

// arrive is a customer's request: the browser's span (the load generator plays it) and the frontend's.
func (s *story) arrive(method, route, path, query string, handle func(*op) int) {
	client, target := s.shop.pick(s.rand, "load-generator"), s.shop.pick(s.rand, "frontend")
	agent := s.one(
		"Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1")
	full := fmt.Sprintf("http://frontend:%d%s", target.port, path)
	extra := []any{
		"client.address", fmt.Sprintf("203.0.113.%d", s.rand.IntN(250)),
		"user_agent.original", agent,
		"session.id", randomUUID(s.rand),
		"http.request.header.accept_language",
		[]any{s.one("de-DE", "en-GB", "fr-FR", "ja-JP"), "en;q=0.8"},
	}
	if query != "" {
		full += "?" + query
		extra = append(extra, "url.query", query)
	}
	s.tell(nil, client, client.httpScope, ptrace.SpanKindClient, method, []any{
		"http.request.method", method, "url.full", full, "server.address", "frontend", "server.port", target.port,
		"user_agent.original", agent,
	}, func(c *op) {
		c.span.TraceState().FromRaw("shop=visit:" + s.one("organic", "campaign", "partner"))
		c.at += c.latency(time.Millisecond, 0.5)
		status := 0
		c.serve(c, target, method, route, path, extra, func(o *op) int {
			o.work(600 * time.Microsecond)
			status = handle(o)
			return status
		})
		c.at += c.latency(time.Millisecond, 0.5)
		c.set("http.response.status_code", status)
		if status >= 400 {
			c.fail(strconv.Itoa(status), "")
		}
	})
}

func (s *story) browse() {
	s.arrive("GET", "/", "/", "", func(o *op) int {
		status := 200
		o.together(
			func() {
				if o.grpc("product-catalog", "shop.ProductCatalogService", "ListProducts", func(o *op) int {
					o.work(time.Millisecond)
					o.sql("SELECT", "products", "SELECT id, name, picture, price_units, price_nanos FROM products ORDER BY name LIMIT $1", 10, 3*time.Millisecond)
					o.set("app.products.count", 10)
					return grpcOK
				}) != grpcOK {
					status = 500
				}
			},
			func() { o.ads("telescopes") },
			func() { o.recommend() },
			func() { o.convert() },
		)
		o.tell(o, o.pod, scope{"next.js", "15.4.0"}, ptrace.SpanKindInternal, "render /", []any{"next.route", "/"}, func(o *op) { o.work(8 * time.Millisecond) })
		o.log(plog.SeverityNumberDebug, "rendered the start page")
		return status
	})
}

func (s *story) product() {
	it := s.item()
	s.arrive("GET", "/product/{id}", "/product/"+it.id, "currency="+s.one("USD", "EUR", "JPY"), func(o *op) int {
		missing := o.chance(2)
		status := 200
		if o.grpc("product-catalog", "shop.ProductCatalogService", "GetProduct", func(o *op) int {
			o.set("app.product.id", it.id, "app.product.name", it.name)
			o.event("feature_flag.evaluation", "feature_flag.key", "productCatalogFailure", "feature_flag.result.variant", "off", "feature_flag.provider.name", "flagd")
			rows := 1
			if missing {
				rows = 0
			}
			o.sql("SELECT", "products", "SELECT id, name, description, picture, price_units, price_nanos, categories FROM products WHERE id = $1", rows, 2*time.Millisecond)
			if missing {
				o.log(plog.SeverityNumberWarn, "no product with id "+it.id, "app.product.id", it.id)
				o.span.Status().SetMessage("no product with id " + it.id)
				return grpcNotFound
			}
			return grpcOK
		}) == grpcNotFound {
			status = 404
			o.log(plog.SeverityNumberWarn, "product page without a product", "url.path", "/product/"+it.id)
			return status
		}
		o.together(
			func() { o.recommend() },
			func() { o.ads(it.category) },
			func() { o.convert() },
		)
		o.tell(o, o.pod, scope{"next.js", "15.4.0"}, ptrace.SpanKindInternal, "render /product/[id]", nil, func(o *op) { o.work(6 * time.Millisecond) })
		return status
	})
}

func (o *op) ads(category string) {
	o.grpc("ad", "shop.AdService", "GetAds", func(o *op) int {
		o.work(2 * time.Millisecond)
		o.set("app.ads.contextKeys", []any{category}, "app.ads.count", 2, "thread.id", 31, "thread.name", "grpc-default-executor-3")
		if o.chance(1.5) {
			o.throw("io.grpc.StatusRuntimeException", "RESOURCE_EXHAUSTED: no ads left for "+category,
				"io.grpc.StatusRuntimeException: RESOURCE_EXHAUSTED: no ads left for "+category+
					"\n\tat shop.ad.AdService$AdServiceImpl.getAds(AdService.java:196)"+
					"\n\tat shop.AdServiceGrpc$MethodHandlers.invoke(AdServiceGrpc.java:248)"+
					"\n\tat io.grpc.stub.ServerCalls$UnaryServerCallHandler$UnaryServerCallListener.onHalfClose(ServerCalls.java:182)"+
					"\n\tat java.base/java.lang.Thread.run(Thread.java:1583)")
			return grpcResourceExhausted
		}
		o.log(plog.SeverityNumberInfo, "targeted ad request received for "+category, "app.ads.category", category)
		return grpcOK
	})
}

func (o *op) recommend() {
	o.grpc("recommendation", "shop.RecommendationService", "ListRecommendations", func(o *op) int {
		o.work(3 * time.Millisecond)
		hit := o.chance(70)
		o.set("app.recommendation.cache_enabled", true, "app.cache_hit", hit)
		if !hit {
			o.grpc("product-catalog", "shop.ProductCatalogService", "ListProducts", func(o *op) int {
				o.sql("SELECT", "products", "SELECT id, name, picture, price_units, price_nanos FROM products ORDER BY name LIMIT $1", 10, 3*time.Millisecond)
				return grpcOK
			})
		}
		o.set("app.filtered_products.list", []any{o.item().id, o.item().id, o.item().id})
		o.log(plog.SeverityNumberInfo, "Receive ListRecommendations for product ids", "app.cache_hit", hit)
		return grpcOK
	})
}

func (o *op) convert() {
	from, to := "USD", o.one("EUR", "CHF", "GBP", "JPY")
	o.grpc("currency", "shop.CurrencyService", "Convert", func(o *op) int {
		o.work(250 * time.Microsecond)
		o.set("app.currency.conversion.from", from, "app.currency.conversion.to", to)
		o.count("app.currency.requests", "{request}", "Conversions by target currency.", 1, true, "app.currency.code", to)
		return grpcOK
	})
}

func (s *story) addToCart() {
	it, user := s.item(), randomUUID(s.rand)
	quantity := 1 + s.rand.IntN(5)
	s.arrive("POST", "/api/cart", "/api/cart", "", func(o *op) int {
		o.set("enduser.id", user, "http.request.body.size", 96)
		o.grpc("product-catalog", "shop.ProductCatalogService", "GetProduct", func(o *op) int {
			o.sql("SELECT", "products", "SELECT id, name, description, picture, price_units, price_nanos, categories FROM products WHERE id = $1", 1, 2*time.Millisecond)
			return grpcOK
		})
		code := o.grpc("cart", "shop.CartService", "AddItem", func(o *op) int {
			o.set("app.user.id", user, "app.product.id", it.id, "app.product.quantity", quantity)
			o.event("fetch cart")
			o.redis("HGET", user)
			o.work(400 * time.Microsecond)
			o.redis("HMSET", user)
			if o.chance(0.7) {
				o.throw("StackExchange.Redis.RedisConnectionException", "It was not possible to connect to the redis server(s) valkey-cart.shop.svc:6379",
					"StackExchange.Redis.RedisConnectionException: It was not possible to connect to the redis server(s) valkey-cart.shop.svc:6379\n"+
						"   at cart.cartstore.ValkeyCartStore.EnsureRedisConnected() in /usr/src/app/src/cartstore/ValkeyCartStore.cs:line 104\n"+
						"   at cart.cartstore.ValkeyCartStore.AddItemAsync(String userId, String productId, Int32 quantity) in /usr/src/app/src/cartstore/ValkeyCartStore.cs:line 136")
				return grpcUnavailable
			}
			o.redis("EXPIRE", user)
			o.log(plog.SeverityNumberInfo, fmt.Sprintf("AddItemAsync called with userId=%s, productId=%s, quantity=%d", user, it.id, quantity),
				"userId", user, "productId", it.id, "quantity", quantity)
			return grpcOK
		})
		if code != grpcOK {
			o.log(plog.SeverityNumberError, "the cart did not take the item", "rpc.grpc.status_code", code)
			return 503
		}
		return 200
	})
}

func (s *story) viewCart() {
	user := randomUUID(s.rand)
	s.arrive("GET", "/cart", "/cart", "", func(o *op) int {
		o.cart(user)
		for range o.rand.IntN(4) {
			o.convert()
		}
		o.recommend()
		o.post("shipping", "/get-quote", func(o *op) int { return o.quote() })
		return 200
	})
}

func (o *op) cart(user string) {
	o.grpc("cart", "shop.CartService", "GetCart", func(o *op) int {
		o.set("app.user.id", user)
		o.redis("HGET", user)
		o.set("app.cart.items.count", 1+o.rand.IntN(4))
		return grpcOK
	})
}

func (o *op) quote() int {
	o.work(time.Millisecond)
	status := o.post("quote", "/getquote", func(o *op) int {
		items := 1 + o.rand.IntN(9)
		o.tell(o, o.pod, scope{"manual-instrumentation", ""}, ptrace.SpanKindInternal, "calculate-quote",
			[]any{"app.quote.items.count", items, "app.quote.cost.total", float64(items) * 8.9}, func(o *op) { o.work(2 * time.Millisecond) })
		o.event("Quote processed, response sent back", "app.quote.cost.total", float64(items)*8.9)
		return 200
	})
	return status
}

func (s *story) search() {
	word := s.one("telescope", "book", "lens", "moon", "filter")
	s.arrive("GET", "/api/products", "/api/products", "q="+word, func(o *op) int {
		code := o.grpc("product-catalog", "shop.ProductCatalogService", "SearchProducts", func(o *op) int {
			o.set("app.search.query", word)
			q := o.sql("SELECT", "products",
				"SELECT id, name, description FROM products WHERE to_tsvector('english', name || ' ' || description) @@ plainto_tsquery($1) LIMIT 50", o.rand.IntN(8), 25*time.Millisecond)
			if q.duration() > 300*time.Millisecond {
				o.log(plog.SeverityNumberWarn, "slow query", "db.query.summary", "SELECT products", "duration_ms", q.duration().Milliseconds())
			}
			if o.chance(1.5) {
				q.fail("57014", "canceling statement due to statement timeout")
				q.set("db.response.status_code", "57014")
				o.throw("*pgconn.PgError", "ERROR: canceling statement due to statement timeout (SQLSTATE 57014)",
					"goroutine 482 [running]:\nmain.(*catalog).SearchProducts(0xc0001a2000, {0x1045d90, 0xc00048a1e0})\n\t/src/product-catalog/main.go:318 +0x2a4")
				return grpcDeadlineExceeded
			}
			return grpcOK
		})
		if code != grpcOK {
			return 504
		}
		return 200
	})
}

func (s *story) setCurrency() {
	s.arrive("GET", "/api/currency", "/api/currency", "", func(o *op) int {
		o.grpc("currency", "shop.CurrencyService", "GetSupportedCurrencies", func(o *op) int {
			o.work(150 * time.Microsecond)
			return grpcOK
		})
		return 200
	})
}

// probe is what a kubelet does: a trace of one span.
func (s *story) probe() {
	p := s.shop.all[s.rand.IntN(len(s.shop.all))]
	s.serve(nil, p, "GET", "/healthz", "/healthz", []any{"user_agent.original", "kube-probe/1.33"}, func(o *op) int {
		o.work(200 * time.Microsecond)
		return 200
	})
}

// restock is a scheduled job: a trace that no request began.
func (s *story) restock() {
	p := s.shop.pick(s.rand, "inventory")
	s.tell(nil, p, scope{"com.example.shop.inventory", "4.0.1"}, ptrace.SpanKindInternal, "RestockJob.run",
		[]any{"code.function.name", "com.example.shop.inventory.RestockJob.run", "thread.name", "scheduling-1"}, func(o *op) {
			o.sql("SELECT", "stock", "SELECT sku, quantity FROM stock WHERE quantity < $1 FOR UPDATE SKIP LOCKED", 12, 9*time.Millisecond)
			for range 2 + o.rand.IntN(6) {
				q := o.sql("UPDATE", "stock", "UPDATE stock SET quantity = quantity + $1 WHERE sku = $2", 1, 4*time.Millisecond)
				if o.chance(2) {
					q.fail("40P01", "deadlock detected")
					q.set("db.response.status_code", "40P01")
					o.log(plog.SeverityNumberWarn, "deadlock detected, the job goes on with the next article", "db.response.status_code", "40P01")
				}
			}
			o.log(plog.SeverityNumberInfo, "restocked", "app.stock.orders", 3)
		})
}

func (s *story) checkout() {
	user, order := randomUUID(s.rand), randomUUID(s.rand)
	var items []item
	for range 1 + s.rand.IntN(4) {
		items = append(items, s.item())
	}
	s.arrive("POST", "/api/checkout", "/api/checkout", "", func(o *op) int {
		o.set("enduser.id", user)
		code := o.grpc("checkout", "shop.CheckoutService", "PlaceOrder", func(o *op) int { return o.placeOrder(user, order, items) })
		switch code {
		case grpcOK:
			return 200
		case grpcInvalidArgument:
			return 402
		case grpcUnavailable:
			return 503
		}
		return 500
	})
}

func (o *op) placeOrder(user, order string, items []item) int {
	o.set("app.user.id", user, "app.user.currency", o.one("USD", "EUR", "CHF"), "app.order.id", order, "app.order.items.count", len(items))
	o.log(plog.SeverityNumberInfo, "[PlaceOrder]", "user_id", user, "user_currency", "EUR")
	total := 0
	o.tell(o, o.pod, scope{"checkout", "3.2.1"}, ptrace.SpanKindInternal, "prepareOrderItemsAndShippingQuoteFromCart", nil, func(o *op) {
		o.cart(user)
		for _, it := range items {
			total += it.cents
			o.grpc("product-catalog", "shop.ProductCatalogService", "GetProduct", func(o *op) int {
				o.set("app.product.id", it.id)
				o.sql("SELECT", "products", "SELECT id, name, description, picture, price_units, price_nanos, categories FROM products WHERE id = $1", 1, 2*time.Millisecond)
				return grpcOK
			})
			o.convert()
		}
		o.post("shipping", "/get-quote", func(o *op) int { return o.quote() })
	})
	o.event("prepared")
	amount := float64(total) / 100

	if code := o.charge(amount); code != grpcOK {
		o.log(plog.SeverityNumberError, "could not charge the card", "app.order.id", order, "rpc.grpc.status_code", code)
		o.span.Status().SetMessage("could not charge the card")
		return code
	}
	o.event("charged", "app.payment.transaction.id", randomUUID(o.rand))

	tracking := randomUUID(o.rand)
	o.post("shipping", "/ship-order", func(o *op) int {
		o.work(4 * time.Millisecond)
		o.set("app.shipping.tracking.id", tracking)
		o.log(plog.SeverityNumberInfo, "Tracking ID Created: "+tracking)
		return 200
	})
	o.event("shipped", "app.shipping.tracking.id", tracking)
	o.grpc("cart", "shop.CartService", "EmptyCart", func(o *op) int {
		o.redis("HMSET", user)
		o.redis("EXPIRE", user)
		return grpcOK
	})

	o.post("email", "/send_order_confirmation", func(o *op) int {
		o.tell(o, o.pod, scope{"email", "1.1.0"}, ptrace.SpanKindInternal, "sinatra.render_template", []any{"sinatra.template_name", "confirmation"}, func(o *op) { o.work(5 * time.Millisecond) })
		if o.chance(3) {
			o.at += 2 * time.Second
			o.throw("Net::OpenTimeout", "execution expired: smtp.shop.svc:25",
				"/usr/local/lib/ruby/3.4.0/net/protocol.rb:46:in 'TCPSocket#initialize': execution expired (Net::OpenTimeout)\n\tfrom /email_server/email_server.rb:72:in 'block in send_email'")
			return 500
		}
		o.count("app.confirmation.sent", "{email}", "Order confirmations sent.", 1, false, "email.provider", "smtp")
		o.log(plog.SeverityNumberInfo, fields{"event", "order_confirmation", "recipient", "someone@example.com", "order_id", order}, "app.order.id", order)
		return 200
	})

	lines := make([]any, len(items))
	for i, it := range items {
		lines[i] = fields{"sku", it.id, "quantity", 1 + i, "price", float64(it.cents) / 100}
	}
	placed := o.log(plog.SeverityNumberInfo, fields{
		"event", "order_placed",
		"order",
		fields{"id", order, "total", amount, "currency", "EUR", "express", o.chance(20), "items", lines},
	}, "app.order.id", order, "app.order.amount", amount)
	placed.SetEventName("shop.order.placed")
	o.count("app.orders", "{order}", "Orders placed.", 1, true, "app.payment.method", o.one("visa", "mastercard", "amex"))

	digest := randomBytes(o.rand, 16)
	o.set("app.order.amount", amount, "app.order.digest", digest)
	shop, r := o.shop, o.rand
	o.publish("orders", r.IntN(1<<20), digest,
		func(m message) {
			o.consume(shop.pick(r, "inventory"), "inventory", []message{m}, func(o *op) {
				o.tell(o, o.pod, o.pod.dbScope, ptrace.SpanKindInternal, "OrderListener.onOrder", []any{"app.order.id", order}, func(o *op) {
					for _, it := range items {
						q := o.sql("UPDATE", "stock", "UPDATE stock SET quantity = quantity - $1 WHERE sku = $2 AND quantity >= $1", 1, 3*time.Millisecond)
						q.set("app.product.id", it.id)
					}
					o.sql("INSERT", "order_lines", "INSERT INTO order_lines (order_id, sku, quantity) SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[])", len(items), 3*time.Millisecond)
				})
				if o.chance(2) {
					o.throw("org.springframework.dao.OptimisticLockingFailureException", "stock of "+items[0].id+" was changed by another transaction",
						"org.springframework.dao.OptimisticLockingFailureException: stock of "+items[0].id+" was changed by another transaction\n"+
							"\tat com.example.shop.inventory.OrderListener.onOrder(OrderListener.java:88)\n"+
							"\tat org.springframework.kafka.listener.KafkaMessageListenerContainer$ListenerConsumer.doInvokeOnMessage(KafkaMessageListenerContainer.java:2854)")
				}
			})
		},
		func(m message) {
			messages := append([]message{m}, shop.earlier(m)...) // one poll brings what others sent too
			o.consume(shop.pick(r, "accounting"), "accounting", messages, func(o *op) {
				o.sql("INSERT", "ledger", "INSERT INTO ledger (order_id, amount, currency, booked_at) VALUES ($1, $2, $3, now())", len(messages), 4*time.Millisecond)
				o.log(plog.SeverityNumberInfo, fmt.Sprintf("Order with ID %s booked", order), "OrderId", order)
			})
		},
		func(m message) {
			o.consume(shop.pick(r, "fraud-detection"), "fraud-detection", []message{m}, func(o *op) {
				o.work(7 * time.Millisecond)
				score := r.Float64()
				o.set("app.fraud.score", score, "app.fraud.suspicious", score > 0.95)
				if score > 0.95 {
					o.log(plog.SeverityNumberWarn, "suspicious order "+order, "app.order.id", order, "app.fraud.score", score)
				}
			})
		},
	)
	return grpcOK
}

// charge asks the payment service, which is slow and fails more often while its provider is in trouble.
func (o *op) charge(amount float64) int {
	trouble := o.trouble
	return o.grpc("payment", "shop.PaymentService", "Charge", func(o *op) int {
		card := o.one("visa", "mastercard", "amex")
		o.set("app.payment.amount", amount, "app.payment.card_type", card, "app.payment.card_valid", true)
		provider, failures := 35*time.Millisecond, 1.0
		if trouble {
			provider, failures = 900*time.Millisecond, 40
		}
		o.tell(o, o.pod, o.pod.httpScope, ptrace.SpanKindClient, "POST", []any{
			"http.request.method", "POST", "url.full", "https://api.payments.example/v2/charges", "server.address", "api.payments.example", "server.port", 443,
			"network.protocol.version", "2",
		}, func(c *op) {
			c.work(provider)
			if c.chance(failures) {
				c.set("http.response.status_code", 503)
				c.fail("503", "")
				o.failed = true
				return
			}
			c.set("http.response.status_code", 201)
		})
		o.charged(amount, card)
		switch {
		case o.failed:
			o.throw("PaymentProviderError", "Payment provider is unavailable (503)",
				"PaymentProviderError: Payment provider is unavailable (503)\n    at charge (/usr/src/app/charge.js:71:11)\n    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)\n    at async Object.chargeServiceHandler [as charge] (/usr/src/app/index.js:21:22)")
			return grpcUnavailable
		case o.chance(4):
			o.throw("CardDeclinedError", "Credit card info is invalid: card ending 0454 expired on 9/2024",
				"CardDeclinedError: Credit card info is invalid: card ending 0454 expired on 9/2024\n    at charge (/usr/src/app/charge.js:54:11)\n    at Object.chargeServiceHandler [as charge] (/usr/src/app/index.js:21:28)")
			return grpcInvalidArgument
		}
		o.log(plog.SeverityNumberInfo, "Transaction complete.", "transactionId", randomUUID(o.rand), "cardType", card, "lastFourDigits", "4242", "amount", amount)
		return grpcOK
	})
}
