package functions_test

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"onebook/infra/local/stripe"
	"onebook/internal/activity"
	"onebook/internal/app"
	"onebook/internal/billing"
	"onebook/internal/contact"
	"onebook/internal/effect"
	"onebook/internal/invoice"
	"onebook/internal/issue"
	"onebook/internal/member"
	"onebook/internal/money"
	"onebook/internal/sale"
	"onebook/internal/store"
)

// sample reads the payload of a function.
func sample(t *testing.T, door string) json.RawMessage {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "events", door+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// request reads a sample that is a request.
func request(t *testing.T, door string) events.APIGatewayV2HTTPRequest {
	t.Helper()
	var r events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(sample(t, door), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// routed makes a sample a request for another route.
func routed(r events.APIGatewayV2HTTPRequest, method, path, body string) events.APIGatewayV2HTTPRequest {
	r.RouteKey, r.RawPath, r.RawQueryString, r.QueryStringParameters, r.Body = method+" "+path, path, "", nil, body
	r.RequestContext.RouteKey, r.RequestContext.HTTP.Method, r.RequestContext.HTTP.Path = r.RouteKey, method, path
	headers := map[string]string{}
	for k, v := range r.Headers {
		if k != "content-length" && k != "idempotency-key" && (k != "content-type" || body != "") {
			headers[k] = v
		}
	}
	if body != "" {
		headers["content-type"] = "application/json"
	}
	r.Headers = headers
	return r
}

// claiming gives a request other claims; nil leaves none.
func claiming(r events.APIGatewayV2HTTPRequest, change map[string]string) events.APIGatewayV2HTTPRequest {
	if change == nil {
		r.RequestContext.Authorizer = nil
		return r
	}
	a, jwt := *r.RequestContext.Authorizer, *r.RequestContext.Authorizer.JWT
	claims := map[string]string{}
	for k, v := range jwt.Claims {
		claims[k] = v
	}
	for k, v := range change {
		claims[k] = v
	}
	jwt.Claims = claims
	a.JWT = &jwt
	r.RequestContext.Authorizer = &a
	return r
}

// world is a deployment whose functions can be invoked, with a look at what they stand on.
type world struct {
	*outside
	product *app.Product // on the same table, to seed and to look
	now     func() time.Time
	live    bool // the clock runs, so that what was signed on the samples' day is too old
	call    func(t *testing.T, door string, payload json.RawMessage) (json.RawMessage, error)
}

// watching is a product that sees a world's table, and does nothing outside.
func watching(table store.Table, now func() time.Time) *app.Product {
	return app.New(app.Parts{
		Env: map[string]string{"SITE_URL": site, "LINK_KEY_SECRET": arnLinkKey}, Now: now, Machine: time.Now, Entropy: rand.Reader, Table: table,
		Log: slog.New(slog.DiscardHandler), Secret: known,
	})
}

func known(_ context.Context, ref string) (string, error) {
	s, ok := secrets[ref]
	if !ok {
		return "", errors.New("there is no secret " + ref)
	}
	return s, nil
}

// ask invokes a function behind the API.
func (w *world) ask(t *testing.T, door string, r events.APIGatewayV2HTTPRequest) (int, map[string]any) {
	t.Helper()
	payload, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	b, err := w.call(t, door, payload)
	if err != nil {
		t.Fatalf("%s: %s: %v", door, r.RouteKey, err)
	}
	var out events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatalf("%s: %s: %v: %s", door, r.RouteKey, err, b)
	}
	var body map[string]any
	if out.Body != "" {
		if err := json.Unmarshal([]byte(out.Body), &body); err != nil {
			t.Fatalf("%s: %s: %v: %s", door, r.RouteKey, err, out.Body)
		}
	}
	return out.StatusCode, body
}

// life drives one life through the functions, by their samples. What the samples name and the life makes anew (an
// effect, a token) takes its place in them.
func (w *world) life(t *testing.T) {
	step := func(name string, f func(t *testing.T)) {
		if !t.Run(name, f) {
			t.FailNow()
		}
	}
	ctx := t.Context()
	var owner activity.By
	step("setup makes the first owner, once", func(t *testing.T) {
		var first, again app.SetupAnswer
		for _, into := range []*app.SetupAnswer{&first, &again} {
			b, err := w.call(t, "setup", sample(t, "setup"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b, into); err != nil {
				t.Fatal(err)
			}
		}
		m, err := w.product.Members.Get(ctx, first.MemberID)
		if err != nil || first != again || m.Role != member.Owner || m.Email != "owner@studio.example" || m.Sub != subject(t) {
			t.Fatalf("%+v, then %+v: %+v, %v", first, again, m, err)
		}
		if b, err := w.call(t, "setup", []byte(`{"ownerEmail":"another@studio.example"}`)); err == nil {
			t.Errorf("a second owner was made: %s", b)
		}
		owner = activity.By{Kind: activity.Member, ID: m.ID, Name: m.Name, Role: string(m.Role)}
	})
	step("the API answers its members", func(t *testing.T) {
		for _, c := range []struct {
			door   string
			status int
			has    string
		}{{"contacts", 201, "id"}, {"sales", 200, "items"}, {"invoices", 200, "payable"}, {"settings", 200, "timeZone"}} {
			r := request(t, c.door)
			if status, body := w.ask(t, c.door, r); status != c.status || body[c.has] == nil {
				t.Errorf("%s: %s: %d %v", c.door, r.RouteKey, status, body)
			}
		}
		for door, path := range map[string]string{"contacts": "/v1/contacts", "sales": "/v1/estimates", "invoices": "/v1/invoices", "settings": "/v1/members"} {
			get := routed(request(t, door), "GET", path, "")
			for why, c := range map[string]struct {
				r      events.APIGatewayV2HTTPRequest
				status int
			}{
				"a member": {get, 200}, "nobody": {claiming(get, nil), 401}, "a stranger": {claiming(get, map[string]string{"sub": "stranger"}), 403},
				"an ID token":      {claiming(get, map[string]string{"token_use": "id"}), 401},
				"another client":   {claiming(get, map[string]string{"client_id": "another"}), 401},
				"another issuer":   {claiming(get, map[string]string{"iss": site}), 401},
				"a forged subject": {claiming(get, map[string]string{"sub": "../MEM#" + owner.ID}), 403},
			} {
				if status, body := w.ask(t, door, c.r); status != c.status {
					t.Errorf("%s answers %s on GET %s with %d %v, not %d", door, why, path, status, body, c.status)
				}
			}
		}
	})
	bill := w.bill(t, owner)
	mail, pdf := w.effect(t, effect.Mail), w.effect(t, effect.PDF)
	step("pdf prints what the stream brings", func(t *testing.T) {
		w.batch(t, "pdf", pdf)
		got, err := invoice.GetTrack(ctx, w.product.Table, bill)
		if err != nil || got.PDF == nil || got.PDF.Bytes < 1000 {
			t.Fatalf("%+v, %v", got, err)
		}
	})
	var letter string
	step("relay mails what the stream brings", func(t *testing.T) {
		w.batch(t, "relay", mail)
		got := w.letter(t, payer)
		if got.From != mailFrom || got.ConfigSet != letters || got.Tags["effect"] != mail.ID || !strings.Contains(got.Subject, bill.Number) {
			t.Errorf("%+v", got)
		}
		letter = token(t, got)
	})
	var page string
	step("portal opens what a link names, and nothing else", func(t *testing.T) {
		open := request(t, "portal")
		if status, body := w.ask(t, "portal", open); status != 404 || body["code"] != "not_found" {
			t.Errorf("a made-up token: %d %v", status, body)
		}
		open.Body = fmt.Sprintf(`{"token":%q}`, letter)
		delete(open.Headers, "content-length")
		status, body := w.ask(t, "portal", open)
		ref, _ := body["ref"].(string)
		if status != 200 || ref == "" {
			t.Fatalf("%d %v", status, body)
		}
		doc := "/v1/public/documents/" + ref
		if status, body := w.ask(t, "portal", routed(open, "GET", doc, "")); status != 200 || body["number"] != bill.Number || body["canPay"] != true {
			t.Fatalf("%d %v", status, body)
		}
		pdf := routed(open, "GET", doc+"/pdf", "")
		if status, body := w.ask(t, "portal", pdf); status != 200 || body["url"] == nil {
			t.Errorf("the PDF: %d %v", status, body)
		}
		status, body = w.ask(t, "portal", routed(open, "POST", doc+"/checkout", "{}"))
		if page, _ = body["url"].(string); status != 200 && status != 201 || page == "" {
			t.Fatalf("%d %v", status, body)
		}
	})
	step("stripehook believes a signature, and the provider", func(t *testing.T) {
		w.hooks(t, page)
		got, err := invoice.Get(ctx, w.product.Table, bill.ID)
		if err != nil || got.State != invoice.Paid {
			t.Errorf("the invoice is %s, %v", got.State, err)
		}
	})
	step("mailhook notes what the mail service reports", func(t *testing.T) {
		if b, err := w.call(t, "mailhook", swap(t, sample(t, "mailhook"), sampleEffect(t, "relay"), mail.ID)); err != nil {
			t.Fatalf("%s, %v", b, err)
		}
		w.raised(t, "letter.bounced")
	})
	step("sweeper sends what nobody has", func(t *testing.T) {
		b, err := w.call(t, "sweeper", sample(t, "sweeper"))
		var swept struct{ Effects int }
		if err != nil || json.Unmarshal(b, &swept) != nil || swept.Effects < 1 {
			t.Fatalf("%s, %v", b, err)
		}
		if got := w.letter(t, payer); !strings.Contains(got.Text, bill.Number) || got.Tags["effect"] == mail.ID {
			t.Errorf("no receipt, but %+v", got)
		}
	})
}

// payer is who is billed.
const payer = "ada@lovelace.example"

// bill makes a contact and sends an invoice over 119.00 EUR to it.
func (w *world) bill(t *testing.T, by activity.By) invoice.Invoice {
	t.Helper()
	ctx := t.Context()
	set, err := w.product.Org.Get(ctx)
	if err != nil {
		t.Fatal(err)
	}
	version := set.Version()
	set.Name, set.TimeZone, set.Currency, set.Address.Country = "Studio Ada", "Europe/Berlin", "EUR", "DE"
	if _, err := w.product.Org.Update(ctx, by, version, set); err != nil {
		t.Fatal(err)
	}
	who, err := w.product.Contacts.Create(ctx, by, contact.Input{Kind: "person", Name: "Ada Lovelace", Emails: []contact.EmailInput{{Address: payer}}})
	if err != nil {
		t.Fatal(err)
	}
	one, err := money.ParseDecimal("1")
	if err != nil {
		t.Fatal(err)
	}
	price, err := money.ParseDecimal("119.00")
	if err != nil {
		t.Fatal(err)
	}
	i, err := w.product.Billing.Create(ctx, by, billing.Input{ContactID: who.ID, Body: sale.Input{
		Currency: "EUR", Lines: []sale.LineInput{{Name: "Workshop", Quantity: one, UnitPrice: price}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if i, err = w.product.Billing.Send(ctx, by, i.ID); err != nil || i.Number == "" {
		t.Fatalf("%+v, %v", i, err)
	}
	return i
}

// effect finds the one effect of a lane that waits.
func (w *world) effect(t *testing.T, lane string) effect.Effect {
	t.Helper()
	var found []effect.Effect
	for n := range effect.Shards {
		p, err := w.product.Table.List(t.Context(), store.Query{Index: store.Due, Partition: effect.DuePartition(n)})
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range p.Items {
			_, effectID, _ := strings.Cut(it.PK, "#")
			e, err := effect.Get(t.Context(), w.product.Table, effectID)
			if err != nil {
				t.Fatal(err)
			}
			if e.Lane == lane {
				found = append(found, e)
			}
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d effects wait for %s: %+v", len(found), lane, found)
	}
	return found[0]
}

// batch feeds the sample of a stream, with this effect in the place of its own, and sees it done.
func (w *world) batch(t *testing.T, door string, e effect.Effect) {
	t.Helper()
	for range 2 { // a stream delivers at least once
		b, err := w.call(t, door, swap(t, sample(t, door), sampleEffect(t, door), e.ID))
		if err != nil || string(b) != `{"batchItemFailures":[]}` {
			t.Fatalf("%s, %v", b, err)
		}
	}
	got, err := effect.Get(t.Context(), w.product.Table, e.ID)
	if err != nil || got.State != effect.Done || got.Tries != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
}

// sampleEffect is the effect that the sample of a stream brings.
func sampleEffect(t *testing.T, door string) string {
	t.Helper()
	var batch struct{ Records []json.RawMessage }
	if err := json.Unmarshal(sample(t, door), &batch); err != nil || len(batch.Records) != 1 {
		t.Fatalf("%d records, %v", len(batch.Records), err)
	}
	c, err := store.DecodeStream(batch.Records[0])
	if err != nil || c.New == nil {
		t.Fatal(err)
	}
	e, err := effect.Decode(*c.New)
	if err != nil {
		t.Fatal(err)
	}
	return e.ID
}

func swap(t *testing.T, payload json.RawMessage, old, new string) json.RawMessage {
	t.Helper()
	out := strings.ReplaceAll(string(payload), old, new)
	if out == string(payload) {
		t.Fatalf("the sample does not speak of %s", old)
	}
	return json.RawMessage(out)
}

// hooks feeds the signed sample, as it is and broken, and then what the provider sends of a payment on page.
func (w *world) hooks(t *testing.T, page string) {
	t.Helper()
	r := request(t, "stripehook")
	status, _ := w.ask(t, "stripehook", r)
	switch {
	case w.live && status != 400:
		t.Errorf("a signature of another day: %d", status)
	case w.live:
		r.Headers["stripe-signature"] = signed(r.Body, w.now())
		status, _ = w.ask(t, "stripehook", r)
	}
	if status != 200 {
		t.Errorf("the signed sample: %d", status)
	}
	w.raised(t, "unmatched_payment")
	broken := r
	broken.Body = strings.Replace(r.Body, "11900", "11901", 1)
	if status, _ := w.ask(t, "stripehook", broken); status != 400 {
		t.Errorf("another amount under the same signature: %d", status)
	}
	w.sent()
	if _, err := w.stripe.Pay(t.Context(), page, stripe.PayRequest{Outcome: stripe.Success}); err != nil {
		t.Fatal(err)
	}
	sent := w.sent()
	if len(sent) == 0 {
		t.Fatal("the provider tells nothing of a payment")
	}
	for range 2 { // it tells at least once
		for _, h := range sent {
			r.Body, r.Headers["stripe-signature"] = h.body, h.signature
			if status, body := w.ask(t, "stripehook", r); status != 200 {
				t.Errorf("%d %v: %s", status, body, h.body)
			}
		}
	}
}

func signed(body string, at time.Time) string {
	m := hmac.New(sha256.New, []byte(webhookSecret))
	fmt.Fprintf(m, "%d.%s", at.Unix(), body)
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(m.Sum(nil)))
}

// raised sees that an issue is open.
func (w *world) raised(t *testing.T, code string) {
	t.Helper()
	open, _, err := w.product.Desk.List(t.Context(), issue.Open, 100, "")
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, i := range open {
		if i.Code == code {
			return
		}
		codes = append(codes, i.Code)
	}
	t.Errorf("no issue %s is open, only %v", code, codes)
}

// subject is whom the samples' tokens belong to.
func subject(t *testing.T) string {
	t.Helper()
	return request(t, "settings").RequestContext.Authorizer.JWT.Claims["sub"]
}
