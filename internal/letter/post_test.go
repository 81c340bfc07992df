package letter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"onebook/internal/contact"
	"onebook/internal/effect"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/issue"
	"onebook/internal/letter"
	"onebook/internal/org"
	"onebook/internal/relay"
	"onebook/internal/rig"
	"onebook/internal/store"
)

func shop(t *testing.T) (*rig.Rig, string) {
	r := rig.New(t)
	r.Organise()
	return r, r.Contact("Ada Lovelace", "ada@client.example").ID
}

// sent issues and sends an invoice, and answers its letter's effect as it stands before the post comes by.
func sent(t *testing.T, r *rig.Rig, c string) (invoice.Invoice, string) {
	t.Helper()
	i, err := r.Billing.Send(r.Ctx, rig.Owner, r.Draft(c, rig.Lines("100.00")).ID)
	if err != nil {
		t.Fatal(err)
	}
	cs, err := r.Base.Changes(r.Ctx, 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for n := len(cs) - 1; n >= 0; n-- {
		if it := cs[n].New; it != nil && it.Kind == "effect.mail" {
			e, err := effect.Decode(*it)
			if err != nil {
				t.Fatal(err)
			}
			return i, e.ID
		}
	}
	t.Fatal("no letter is in line")
	return i, ""
}

// report is what the mail service tells over its topic.
func report(t *testing.T, r *rig.Rig, kind, effectID, message string) {
	t.Helper()
	reportOf(t, r, kind, "Permanent", effectID, message)
}

func reportOf(t *testing.T, r *rig.Rig, kind, bounce, effectID, message string) {
	t.Helper()
	inner, err := json.Marshal(map[string]any{
		"eventType": kind, "mail": map[string]any{"messageId": message, "destination": []string{"ada@client.example"}, "tags": map[string][]string{"effect": {effectID}}},
		"bounce": map[string]any{"bounceType": bounce, "bouncedRecipients": []map[string]string{{"diagnosticCode": "smtp; 550 5.1.1 user unknown"}}}, "complaint": map[string]string{"complaintFeedbackType": "abuse"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var n relay.Notice
	outer := fmt.Sprintf(`{"Records":[{"Sns":{"Message":%q}}]}`, inner)
	if err := json.Unmarshal([]byte(outer), &n); err != nil {
		t.Fatal(err)
	}
	m := relay.Mail{Runner: r.Runner, Delivered: r.Post.Delivered, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	if err := m.Handle(r.Ctx, n); err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
}

func times(kinds []string, kind string) int {
	return strings.Count(" "+strings.Join(kinds, " ")+" ", " "+kind+" ")
}

// The sender dies after the mail service took the letter: its report ends the matter, and the client gets one letter.
func TestSenderDiesAfterTheCall(t *testing.T) {
	r, c := shop(t)
	i, e := sent(t, r, c)
	r.Mail.Fail = func(letter.Message) (bool, error) {
		return true, fmt.Errorf("%w: the process was killed", effect.ErrAmbiguous)
	}
	r.Drain()
	if n := len(r.Mail.Sent()); n != 1 {
		t.Fatalf("%d letters", n)
	}
	if got := r.Issues(issue.Retrying); len(got) != 1 || len(r.Issues(issue.Open)) != 0 {
		t.Errorf("while nobody knows: %v", got)
	}
	if tr, err := invoice.GetTrack(r.Ctx, r.Table, i); err != nil || tr.Delivery == nil || !tr.Delivery.Uncertain || tr.Delivery.To != "ada@client.example" {
		t.Errorf("while nobody knows the slip says %+v %v", tr.Delivery, err)
	}
	report(t, r, "Send", e, "ses-1")
	report(t, r, "Delivery", e, "ses-1")
	report(t, r, "Send", e, "ses-1")
	for range 20 {
		r.Clock.Move(time.Hour)
		r.Drain()
	}
	if n := len(r.Mail.Sent()); n != 1 {
		t.Errorf("%d letters", n)
	}
	tr, err := invoice.GetTrack(r.Ctx, r.Table, i)
	if err != nil || tr.Delivery == nil || tr.Delivery.State != "delivered" || tr.Delivery.Uncertain || tr.Delivery.Message != "ses-1" || tr.Delivery.To != "ada@client.example" {
		t.Errorf("the slip says %+v, %v", tr.Delivery, err)
	}
	if n := times(r.Kinds(c), "letter.sent"); n != 1 {
		t.Errorf("the history tells of %d letters", n)
	}
	if len(r.Issues(issue.Retrying))+len(r.Issues(issue.Open)) != 0 {
		t.Error("an issue stays")
	}
}

// No report comes, because the letter never went out: after the lease it is sent again, once.
func TestSenderDiesBeforeTheCall(t *testing.T) {
	r, c := shop(t)
	_, _ = sent(t, r, c)
	r.Mail.Fail = func(letter.Message) (bool, error) { return false, effect.ErrAmbiguous }
	r.Drain()
	r.Mail.Fail = nil
	r.Clock.Move(14 * time.Minute)
	r.Drain()
	if n := len(r.Mail.Sent()); n != 0 {
		t.Errorf("sent again within the lease: %d letters", n)
	}
	r.Clock.Move(2 * time.Minute)
	r.Drain()
	r.Drain()
	if n := len(r.Mail.Sent()); n != 1 {
		t.Errorf("%d letters", n)
	}
	if len(r.Issues(issue.Retrying)) != 0 || len(r.Issues(issue.ResolvedAuto)) != 1 {
		t.Error("its issue was not settled by itself")
	}
}

// A busy mail service is asked again later; one that refuses for good is a person's.
func TestMailTrouble(t *testing.T) {
	r, c := shop(t)
	sent(t, r, c)
	r.Mail.Fail = func(letter.Message) (bool, error) { return false, fault.Busy.Errorf("the daily quota is used up") }
	for range 3 {
		r.Drain()
		r.Clock.Move(11 * time.Minute)
	}
	if got := r.Issues(issue.Retrying); len(got) != 1 || len(r.Mail.Sent()) != 0 {
		t.Errorf("%v, %d letters", got, len(r.Mail.Sent()))
	}
	r.Mail.Fail = nil
	r.Drain()
	if len(r.Mail.Sent()) != 1 || len(r.Issues(issue.Retrying)) != 0 {
		t.Errorf("%d letters, issues %v", len(r.Mail.Sent()), r.Issues(issue.Retrying))
	}
	sent(t, r, c)
	r.Mail.Fail = func(letter.Message) (bool, error) { return false, errors.New("MessageRejected: arn:aws:ses:secret") }
	r.Drain()
	all, _, err := r.Desk.List(r.Ctx, issue.Open, 10, "")
	if err != nil || len(all) != 1 || strings.Contains(all[0].Detail, "arn:") || all[0].Effect == "" {
		t.Errorf("%+v %v", all, err)
	}
}

// A bounce or a complaint is an open issue, once, in whatever order the reports come; a delivery is none.
func TestReports(t *testing.T) {
	for _, order := range [][]string{{"Send", "Bounce", "Bounce"}, {"Bounce", "Send", "Bounce"}, {"Send", "Bounce", "Delivery"}, {"Send", "Delivery", "Bounce"}} {
		t.Run(strings.Join(order, " "), func(t *testing.T) {
			r, c := shop(t)
			i, e := sent(t, r, c)
			r.Mail.Fail = func(letter.Message) (bool, error) { return true, effect.ErrAmbiguous }
			r.Drain()
			for _, kind := range order {
				report(t, r, kind, e, "ses-1")
			}
			r.Clock.Move(time.Hour)
			r.Drain()
			if n := len(r.Mail.Sent()); n != 1 {
				t.Errorf("%d letters", n)
			}
			if got := r.Issues(issue.Open); len(got) != 1 || got[0] != "letter.bounced" {
				t.Errorf("issues %v", got)
			}
			tr, err := invoice.GetTrack(r.Ctx, r.Table, i)
			if err != nil || tr.Delivery == nil || tr.Delivery.State != "bounced" {
				t.Errorf("the slip says %+v %v", tr.Delivery, err)
			}
		})
	}
	// A letter without a slip of its own bounces once as well.
	r, c := shop(t)
	e := r.Offer(c, rig.Lines("1.00"))
	var letter string
	for shard := range effect.Shards {
		p, err := r.Table.List(r.Ctx, store.Query{Index: store.Due, Partition: effect.DuePartition(shard)})
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range p.Items {
			letter = it.PK[len("EFFECT#"):]
		}
	}
	r.Drain()
	for range 3 {
		report(t, r, "Bounce", letter, "ses-1")
	}
	if n := times(r.Kinds(c), "letter.bounced"); n != 1 || len(r.Issues(issue.Open)) != 1 {
		t.Errorf("estimate %s: the history tells of %d bounces, issues %v", e.Number, n, r.Issues(issue.Open))
	}
	r, _ = shop(t)
	for _, id := range []string{"", "ef_00000000000000000000", "xx"} { // letters that are none of ours
		report(t, r, "Delivery", id, "ses-9")
		report(t, r, "Bounce", id, "ses-9")
	}
	report(t, r, "DeliveryDelay", "ef_00000000000000000000", "ses-9")
	if got := r.Issues(issue.Open); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

// Nothing goes out for what is not so any more: an answered offer, a void invoice.
func TestNothingOutdated(t *testing.T) {
	r, c := shop(t)
	e := r.Offer(c, rig.Lines("1.00"))
	if _, err := r.Selling.Decline(r.Ctx, rig.Owner, e.ID, "", ""); err != nil {
		t.Fatal(err)
	}
	i := r.Invoice(c, rig.Lines("1.00"))
	i, err := r.Billing.Send(r.Ctx, rig.Owner, i.ID)
	if err != nil {
		t.Fatal(err)
	}
	// The invoice is paid between reading and sending: the letter that would ask for money is not sent as it is.
	handler := r.Runner.Handlers["mail.invoice"]
	r.Runner.Handlers["mail.invoice"] = func(ctx context.Context, e effect.Effect) (effect.Plan, error) {
		p, err := handler(ctx, e)
		if r.GetInvoice(i.ID).Due() > 0 {
			r.Cash(i.ID, 119)
		}
		return p, err
	}
	r.Drain()
	for _, m := range r.Mail.Sent() {
		if strings.HasPrefix(m.Subject, "Invoice") || strings.HasPrefix(m.Subject, "Estimate") {
			t.Errorf("%s went out", m.Subject)
		}
	}
	r.Drain()
	var after []string
	for _, m := range r.Mail.Sent() {
		after = append(after, m.Subject)
		if strings.HasPrefix(m.Subject, "Invoice") && !strings.Contains(m.Text, "Due: €0.00") {
			t.Errorf("it says\n%s", m.Text)
		}
	}
	if len(after) != 2 {
		t.Errorf("letters: %v", after)
	}
}

// While effects are held nothing goes out, and everything stays in line for later.
func TestHold(t *testing.T) {
	r, c := shop(t)
	sent(t, r, c)
	r.Runner.Hold = true
	for range 5 {
		r.Clock.Move(24 * time.Hour)
		r.Drain()
	}
	if keys, puts := r.Blobs.Objects(); len(r.Mail.Sent()) != 0 || len(keys) != 0 || puts != 0 {
		t.Errorf("%d letters, %v", len(r.Mail.Sent()), keys)
	}
	r.Runner.Hold = false
	r.Drain()
	if keys, _ := r.Blobs.Objects(); len(r.Mail.Sent()) != 1 || len(keys) != 1 {
		t.Errorf("afterwards %d letters, %v", len(r.Mail.Sent()), keys)
	}
}

// Sixteen runners at once: one letter and one PDF.
func TestManyRunners(t *testing.T) {
	r, c := shop(t)
	i, _ := sent(t, r, c)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for shard := range effect.Shards {
				if _, _, err := r.Runner.Sweep(r.Ctx, shard); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	keys, puts := r.Blobs.Objects()
	if len(r.Mail.Sent()) != 1 || len(keys) != 1 || puts != 1 || keys[0] != "documents/"+i.ID+"/1.pdf" {
		t.Errorf("%d letters, objects %v put %d times", len(r.Mail.Sent()), keys, puts)
	}
	tr, err := invoice.GetTrack(r.Ctx, r.Table, i)
	if err != nil || tr.PDF == nil || tr.PDF.Key != keys[0] || tr.PDF.Version != "v1" || tr.Delivery == nil {
		t.Errorf("%+v %v", tr, err)
	}
	kinds := r.Kinds(c)
	if times(kinds, "document.made") != 1 || times(kinds, "letter.sent") != 1 {
		t.Errorf("%v", kinds)
	}
}

// A printer that dies after the object was stored finds it there, and notes that one: no second object, the same bytes.
func TestPrinterDies(t *testing.T) {
	r, c := shop(t)
	i := r.Invoice(c, rig.Lines("1.00"))
	handler := r.Runner.Handlers["pdf.invoice"]
	r.Runner.Handlers["pdf.invoice"] = func(ctx context.Context, e effect.Effect) (effect.Plan, error) {
		p, err := handler(ctx, e)
		call := p.Call
		p.Call = func(ctx context.Context) (string, error) {
			if _, err := call(ctx); err != nil {
				return "", err
			}
			return "", effect.ErrAmbiguous
		}
		return p, err
	}
	r.Drain()
	key := "documents/" + i.ID + "/1.pdf"
	first, _, err := r.Blobs.Get(r.Ctx, key, "")
	if err != nil {
		t.Fatal(err)
	}
	r.Runner.Handlers["pdf.invoice"] = handler
	r.Settings(func(s *org.Settings) { s.Name = "Studio Süd" })
	r.Clock.Move(time.Hour)
	r.Drain()
	again, _, err := r.Blobs.Get(r.Ctx, key, "")
	tr, terr := invoice.GetTrack(r.Ctx, r.Table, i)
	if err != nil || terr != nil || string(first) != string(again) || tr.PDF == nil || tr.PDF.Bytes != len(first) {
		t.Errorf("%v %v %+v", err, terr, tr.PDF)
	}
}

// A company's offer goes to whoever decides, its bill to whoever pays.
func TestEachLetterGoesToItsPerson(t *testing.T) {
	r := rig.New(t)
	r.Organise()
	c, err := r.Contacts.Create(r.Ctx, rig.Owner, contact.Input{Kind: contact.Company, Name: "Acme", People: []contact.HumanInput{
		{Name: "Axel Accountant", Emails: []contact.EmailInput{{Address: "axel@acme.example"}}, Receives: []string{contact.Invoices}},
		{Name: "Ana Assistant", Emails: []contact.EmailInput{{Address: "ana@acme.example"}}, Receives: []string{contact.Visits}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	r.Offer(c.ID, rig.Lines("100.00"))
	r.Drain()
	sent(t, r, c.ID)
	r.Drain()
	letters := r.Mail.Sent()
	if len(letters) != 2 || letters[0].To.Address != "ana@acme.example" || letters[1].To.Address != "axel@acme.example" || !strings.Contains(letters[0].Text, "Ana Assistant") {
		t.Errorf("%+v", letters)
	}
}
