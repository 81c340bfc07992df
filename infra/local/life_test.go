package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// whole runs the product itself, as the template deploys it.
func whole(t *testing.T) (client, *Program) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + l.Addr().String()
	d, err := deployment(base)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Open(Options{Data: t.TempDir(), Begin: monday, Base: base, Deployment: d, Build: build, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(p)
	s.Listener.Close()
	s.Listener = l
	s.Start()
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		s.Close()
	})
	c := client{TB: t, base: base}
	c.token = c.signIn("owner")
	return c, p
}

// say makes a request that must succeed and answers its JSON.
func (c client) say(method, path, body string) map[string]any {
	c.Helper()
	status, text := c.do(method, path, body)
	if status >= 300 {
		c.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	out := map[string]any{}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &out); err != nil {
			c.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
	return out
}

// edit changes or removes a thing as it is now.
func (c client) edit(method, path, body string) {
	c.Helper()
	req, err := http.NewRequest(http.MethodGet, c.base+path, nil)
	if err != nil {
		c.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.Fatal(err)
	}
	res.Body.Close()
	change, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	change.Header.Set("Authorization", "Bearer "+c.token)
	change.Header.Set("Content-Type", "application/json")
	change.Header.Set("If-Match", res.Header.Get("ETag"))
	if res, err = http.DefaultClient.Do(change); err != nil {
		c.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode >= 300 {
		c.Fatalf("%s %s: %d", method, path, res.StatusCode)
	}
}

// file follows a route to the file that it leads to.
func (c client) file(path string) string {
	c.Helper()
	status, body := c.do("GET", path, "")
	if status != http.StatusOK {
		c.Fatalf("GET %s: %d %.200s", path, status, body)
	}
	return body
}

// open follows the newest mailed link of a page and answers its ref.
func (c client) open(to, page string) string {
	c.Helper()
	var token string
	eventually(c.TB, "a letter to "+to+" with /"+page+"/", func() bool {
		for _, m := range c.mails() {
			for _, l := range m.Links {
				if at := strings.Index(l, "/"+page+"/#"); at >= 0 && strings.Contains(m.To, to) {
					token = l[at+len("/"+page+"/#"):]
					return true
				}
			}
		}
		return false
	})
	return c.say("POST", "/v1/public/open", `{"token":"`+token+`"}`)["ref"].(string)
}

// accepted makes a contact whose estimate over 1,000.00 is accepted, and answers the estimate.
func (c client) accepted(email string) string {
	c.Helper()
	ct := c.say("POST", "/v1/contacts", `{"kind":"person","name":"Ada Byron","emails":[{"address":"`+email+`"}]}`)["id"].(string)
	es := c.say("POST", "/v1/estimates", `{"contactId":"`+ct+`","lines":[{"name":"Design","quantity":"2","unitPrice":"500.00","taxClass":"standard"}]}`)["id"].(string)
	c.say("POST", "/v1/estimates/"+es+"/send", `{}`)
	ref := c.open(email, "e")
	c.say("POST", "/v1/public/documents/"+ref+"/view", `{}`)
	eventually(c.TB, "the estimate is printed", func() bool {
		return c.say("GET", "/v1/public/documents/"+ref, "")["pdfReady"] == true
	})
	staff, client := c.file("/v1/estimates/"+es+"/pdf"), c.file("/v1/public/documents/"+ref+"/pdf")
	if !strings.HasPrefix(staff, "%PDF-") || staff != client {
		c.Errorf("the estimate's PDF begins with %.20q for staff and with %.20q for the client", staff, client)
	}
	c.say("POST", "/v1/public/documents/"+ref+"/accept", `{"name":"Ada"}`)
	return es
}

// life takes a contact from estimate to cash and answers its invoice.
func (c client) life(email string) map[string]any {
	c.Helper()
	es := c.accepted(email)
	in := c.say("POST", "/v1/estimates/"+es+"/convert", `{}`)["invoiceId"].(string)
	c.say("POST", "/v1/invoices/"+in+"/send", `{}`)
	ref := c.open(email, "i")
	c.say("POST", "/v1/public/documents/"+ref+"/view", `{}`)
	url := c.say("POST", "/v1/public/documents/"+ref+"/checkout", `{}`)["url"].(string)
	paid := c.say("POST", "/_local/stripe/pay", `{"url":"`+url+`","method":"card","outcome":"success"}`)
	back, err := http.NewRequest(http.MethodGet, paid["redirect"].(string), nil)
	if err != nil {
		c.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(back)
	if err != nil || res.StatusCode != http.StatusSeeOther {
		c.Fatalf("the client's return: %v %v", res, err)
	}
	res.Body.Close()
	var inv map[string]any
	eventually(c.TB, "the invoice is paid and printed", func() bool {
		c.get("/v1/invoices/"+in, &inv)
		return inv["status"] == "paid" && inv["pdf"] != nil
	})
	link := c.say("GET", "/v1/public/documents/"+ref, "")
	if link["status"] != "paid" {
		c.Errorf("the client sees %v", link["status"])
	}
	return inv
}

// lose harms the PDF of an invoice and waits until it is again what it was.
func (c client) lose(invoiceID, how, was string) {
	c.Helper()
	c.say("POST", "/_local/objects", `{"key":"documents/`+invoiceID+`/1.pdf","do":"`+how+`"}`)
	status, body := c.do("GET", "/v1/invoices/"+invoiceID+"/pdf", "")
	if status != http.StatusConflict || !strings.Contains(body, "restoring") {
		c.Errorf("a lost PDF is answered with %d %s", status, body)
	}
	c.say("POST", "/_local/clock", `{"advance":"2m"}`)
	if now := c.file("/v1/invoices/" + invoiceID + "/pdf"); now != was {
		c.Errorf("the PDF that came back has %d bytes, and had %d", len(now), len(was))
	}
}

// agree switches on what follows an acceptance, and takes an order through deposit and final invoice, which sum to it; what
// was agreed with somebody else is canceled.
func (c client) agree() {
	c.Helper()
	c.edit("PATCH", "/v1/settings", `{"onAcceptance":"send","acceptanceDeposit":"40"}`)
	es := c.accepted("agreed@example.com")
	c.say("POST", "/_local/clock", `{"advance":"2m"}`)
	c.open("agreed@example.com", "i")
	got := c.say("GET", "/v1/estimates/"+es, "")
	or, deposit := got["orderId"].(string), got["invoiceIds"].([]any)[0].(string)
	c.say("POST", "/v1/invoices/"+deposit+"/payments", `{"amount":47600,"method":"transfer","receivedOn":"2026-01-05"}`)
	last := c.say("POST", "/v1/orders/"+or+"/invoices", `{"final":true}`)
	c.say("POST", "/v1/invoices/"+last["id"].(string)+"/issue", `{}`)
	if o := c.say("GET", "/v1/orders/"+or, ""); o["state"] != "billed" || last["total"] != float64(119000-47600) {
		c.Errorf("a final invoice over %v leaves the order %v", last["total"], o["state"])
	}
	c.edit("PATCH", "/v1/settings", `{"onAcceptance":"nothing"}`)
	made := c.say("POST", "/v1/estimates/"+c.accepted("gone@example.com")+"/convert", `{"milestones":[{"name":"Half","percent":"50"}]}`)
	if o := c.say("POST", "/v1/orders/"+made["orderId"].(string)+"/cancel", `{"reason":"moved away"}`); len(o["invoiceIds"].([]any)) != 0 {
		c.Errorf("a canceled order still has %v", o["invoiceIds"])
	}
}

// needless are rights that nothing in a local run uses, each with its reason.
var needless = map[string]string{
	"setup dynamodb:GetItem Data.Table":          "the owner is there already, so nothing is written",
	"setup dynamodb:PutItem Data.Table":          "the owner is there already, so nothing is written",
	"relay ses:SendEmail configuration-set":      "SES asks for the configuration set as well as for the identity",
	"relay ses:SendRawEmail configuration-set":   "SES asks for the configuration set as well as for the identity",
	"sweeper ses:SendEmail configuration-set":    "SES asks for the configuration set as well as for the identity",
	"sweeper ses:SendRawEmail configuration-set": "SES asks for the configuration set as well as for the identity",
}

// Each function does what its role allows, neither more nor less: everything is used once, by the stream and by the
// sweeper, and nothing is refused.
func TestRolesFitTheProduct(t *testing.T) {
	c, p := whole(t)
	inv := c.life("ada@example.com")

	// What an office does in a day.
	ct := inv["contactId"].(string)
	c.edit("PATCH", "/v1/contacts/"+ct, `{"emails":[{"address":"ada2@example.com"}]}`)
	for _, path := range []string{
		"/v1/contacts", "/v1/contacts?query=ada", "/v1/contacts/" + ct + "/timeline", "/v1/contacts/" + ct + "/documents", "/v1/catalog/items",
		"/v1/estimates", "/v1/estimates?contactId=" + ct, "/v1/orders", "/v1/invoices", "/v1/invoices?contactId=" + ct, "/v1/payments", "/v1/settings",
		"/v1/tax-rules", "/v1/members", "/v1/issues", "/v1/audit/verify", "/v1/audit/verify?contactId=" + ct,
	} {
		c.say("GET", path, "")
	}
	for _, number := range []string{inv["number"].(string), "E-0001"} {
		found := c.say("GET", "/v1/contacts?query="+number, "")["items"].([]any)
		if len(found) != 1 || found[0].(map[string]any)["id"] != ct {
			t.Errorf("%s leads to %v, not to its contact", number, found)
		}
	}
	todo := c.say("POST", "/v1/tasks", `{"contactId":"`+ct+`","title":"Call","dueOn":"2026-01-20"}`)["id"].(string)
	c.edit("PATCH", "/v1/tasks/"+todo, `{"title":"Call back"}`)
	c.say("POST", "/v1/tasks/"+todo+"/done", `{}`)
	slug := c.say("GET", "/v1/settings", "")["slug"].(string)
	c.say("POST", "/v1/public/inquiries/"+slug, `{"name":"Di Dorn","email":"di@example.com","message":"Do you have time in May?"}`)
	mine := c.say("GET", "/v1/tasks", "")["items"].([]any)
	if len(mine) != 1 || mine[0].(map[string]any)["reason"] != "inquiry" {
		t.Errorf("after an inquiry the open tasks are %v", mine)
	}
	theirs := mine[0].(map[string]any)
	c.say("GET", "/v1/tasks?ownerId="+theirs["ownerId"].(string), "")
	if kept := c.say("GET", "/v1/contacts/"+theirs["contactId"].(string)+"/messages", "")["items"].([]any); len(kept) != 1 {
		t.Errorf("%d messages are kept of the inquiry", len(kept))
	}
	// The client answers a letter by mail, twice told, and somebody unknown writes.
	var box struct {
		Items []struct{ ID, To, ReplyTo string }
	}
	c.get("/_local/mail", &box)
	if len(box.Items) == 0 || !strings.Contains(box.Items[0].ReplyTo, "reply+ef_") {
		t.Fatalf("no letter asks for answers: %v", box.Items)
	}
	c.say("POST", "/_local/mail/reply", `{"id":"`+box.Items[0].ID+`","text":"Thank you, the money is on its way.","file":"slip.pdf","times":2}`)
	letters := c.say("GET", "/v1/contacts/"+ct+"/messages", "")["items"].([]any)
	answer, about := letters[0].(map[string]any), letters[1].(map[string]any)["about"]
	if answer["kind"] != "reply" || answer["about"] == nil || answer["text"] != "Thank you, the money is on its way." || about == nil || strings.Contains(fmt.Sprint(letters), "/i/#") {
		t.Errorf("of the mails are kept %v", letters)
	}
	c.say("POST", "/_local/mail/reply", `{"from":"zoe@nowhere.example","subject":"Hello","text":"Is anybody there?"}`)
	if open := c.say("GET", "/v1/issues?state=OPEN", "")["items"].([]any); len(open) != 1 || open[0].(map[string]any)["code"] != "mail_unmatched" {
		t.Errorf("after a stranger's mail the open issues are %v", open)
	}
	c.say("POST", "/v1/contacts/match", `{"email":"ada2@example.com","phone":"+49 30 901820"}`)
	item := c.say("POST", "/v1/catalog/items", `{"name":"X","unit":"each","unitPrice":"1.00","currency":"EUR","taxClass":"standard"}`)["id"].(string)
	c.edit("DELETE", "/v1/catalog/items/"+item, "")
	draft := c.say("POST", "/v1/invoices", `{"contactId":"`+ct+`","lines":[{"name":"X","quantity":"1","unitPrice":"5.00","taxClass":"standard"}]}`)["id"].(string)
	c.edit("PATCH", "/v1/invoices/"+draft, `{"notes":"thanks"}`)
	c.edit("DELETE", "/v1/invoices/"+draft, "")
	c.say("POST", "/v1/invoices/"+inv["id"].(string)+"/pay-link", `{}`)
	logo := tinyLogo(t)
	up := c.say("POST", "/v1/uploads", fmt.Sprintf(`{"purpose":"logo","bytes":%d,"sha256":"%s"}`, len(logo.bytes), logo.sha256))
	put, err := http.NewRequest(http.MethodPut, up["url"].(string), strings.NewReader(logo.bytes))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range up["headers"].(map[string]any) {
		put.Header.Set(k, v.(string))
	}
	if res, err := http.DefaultClient.Do(put); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("the logo: %v %v", res, err)
	}
	c.edit("PATCH", "/v1/settings", `{"logo":"`+up["uploadId"].(string)+`"}`)
	rule := c.say("POST", "/v1/tax-rules", `{"taxClass":"books","category":"S","rate":"5","from":"2026-01-01"}`)["id"].(string)
	c.edit("DELETE", "/v1/tax-rules/"+rule, "")
	who := c.say("POST", "/v1/members", `{"name":"New","email":"new@example.com","role":"owner"}`)["id"].(string)
	eventually(t, "the sign-in is made and leads to the member", func() bool {
		return strings.Count(fmt.Sprint(c.items("ORG")), who) >= 3 // the member's key and content, and the pointer
	})
	c.edit("PATCH", "/v1/members/"+who, `{"role":"viewer"}`)
	c.edit("DELETE", "/v1/members/"+who, "")

	c.agree()

	// PDFs with a logo, the first made twice: its maker dies between the object and the record.
	c.say("POST", "/_local/fault", `{"point":"s3.put","kind":"timeout_after","count":1}`)
	inv = c.life("bob@example.com")
	pdf := c.say("POST", "/v1/public/open", `{"token":"`+strings.SplitN(c.say("POST", "/v1/invoices/"+inv["id"].(string)+"/pay-link", `{}`)["url"].(string), "#", 2)[1]+`"}`)
	if file := c.file("/v1/public/documents/" + pdf["ref"].(string) + "/pdf"); !strings.HasPrefix(file, "%PDF-") {
		t.Errorf("the client's PDF begins with %.20q", file)
	}

	file := c.file("/v1/invoices/" + inv["id"].(string) + "/pdf")
	if !strings.HasPrefix(file, "%PDF-") {
		t.Errorf("the staff's PDF begins with %.20q", file)
	}

	// The PDF is lost, and comes back byte for byte.
	c.lose(inv["id"].(string), "delete", file)

	// The sweeper alone, with the same accidents.
	c.say("POST", "/_local/stream", `{"on":false}`)
	c.say("POST", "/_local/fault", `{"point":"s3.put","kind":"timeout_after","count":1}`)
	next := c.say("POST", "/v1/invoices", `{"contactId":"`+ct+`","lines":[{"name":"X","quantity":"1","unitPrice":"5.00","taxClass":"standard"}]}`)["id"].(string)
	c.say("POST", "/v1/invoices/"+next+"/send", `{}`)
	c.say("POST", "/v1/members", `{"name":"Late","email":"late@example.com","role":"viewer"}`)
	c.say("POST", "/_local/clock", `{"advance":"2h"}`)
	ref := c.open("ada2@example.com", "i")
	url := c.say("POST", "/v1/public/documents/"+ref+"/checkout", `{}`)["url"].(string)
	c.say("POST", "/_local/stripe/webhooks", `{"on":false}`)
	c.say("POST", "/_local/stripe/pay", `{"url":"`+url+`","method":"card","outcome":"success"}`)
	c.say("POST", "/_local/clock", `{"advance":"5m"}`)
	if got := c.say("GET", "/v1/invoices/"+next, ""); got["status"] != "paid" || got["pdf"] == nil {
		t.Errorf("with the stream and the webhooks off the invoice is %v, its PDF %v", got["status"], got["pdf"])
	}
	c.lose(inv["id"].(string), "alter", file)
	if _, err := p.current().functions.Invoke(t.Context(), "setup", json.RawMessage(`{"ownerEmail":"owner@demo.invalid"}`)); err != nil {
		t.Error(err)
	}

	type call struct{ Function, Action, Resource string }
	var book struct{ Used, Refused, Unused []call }
	c.get("/_local/rights", &book)
	if len(book.Refused) > 0 {
		t.Errorf("refused: %v", book.Refused)
	}
	if len(book.Used) < 40 {
		t.Errorf("only %d rights were used", len(book.Used))
	}
	for _, u := range book.Unused {
		kind := u.Resource
		if strings.Contains(kind, ":configuration-set/") {
			kind = "configuration-set"
		}
		if needless[u.Function+" "+u.Action+" "+kind] == "" {
			t.Errorf("%s may %s on %s, and nothing here does", u.Function, u.Action, u.Resource)
		}
	}
}
