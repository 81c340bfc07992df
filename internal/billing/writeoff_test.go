package billing_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onebook/internal/activity"
	"onebook/internal/approval"
	"onebook/internal/checkout"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/member"
	"onebook/internal/org"
	"onebook/internal/payment"
	"onebook/internal/rig"
)

// joins makes a member who signed in just now.
func joins(t *testing.T, r *rig.Rig, name string, role member.Role) activity.By {
	t.Helper()
	in := member.Input{Name: name, Email: strings.ToLower(name) + "@studio.example", Role: role}
	m, err := r.Members.Admit(r.Ctx, member.Automaton(member.Setup), in, "sub-"+name)
	if err != nil {
		t.Fatal(err)
	}
	return activity.By{Kind: activity.Member, ID: m.ID, Name: m.Name, Role: string(role), Fresh: true}
}

func posted(r *rig.Rig, contactID string, kinds ...string) []activity.Posting {
	var out []activity.Posting
	for _, e := range r.Entries(contactID) {
		for _, k := range kinds {
			if e.Kind == k {
				for _, p := range e.Postings {
					p.Ref = ""
					out = append(out, p)
				}
			}
		}
	}
	return out
}

// An owner who is alone writes off with a reason and a fresh sign-in, and is told by mail; what comes in after all is
// recovered, in parts as it comes.
func TestWritingOffAlone(t *testing.T) {
	r, c := shop(t)
	owner := joins(t, r, "Olga", member.Owner)
	i := r.Invoice(c, rig.Lines("100.00"))
	r.Cash(i.ID, 1900)
	if _, err := r.Billing.WriteOff(r.Ctx, owner, i.ID, " "); !errors.Is(err, fault.Invalid) {
		t.Errorf("without a reason: %v", err)
	}
	stale := owner
	stale.Fresh = false
	if _, err := r.Billing.WriteOff(r.Ctx, stale, i.ID, "bankrupt"); !errors.Is(err, fault.Unready) || code(err) != "sign_in_again" {
		t.Errorf("signed in long ago: %v", err)
	}
	for range 2 {
		asked, err := r.Billing.WriteOff(r.Ctx, owner, i.ID, "bankrupt")
		if err != nil || asked != "" {
			t.Fatalf("%q %v", asked, err)
		}
	}
	got := r.GetInvoice(i.ID)
	if got.State != invoice.Uncollectible || got.Due() != 0 || got.WrittenOff != 10000 || got.LossReason != "bankrupt" {
		t.Errorf("%s, %d due, %d written off, %q", got.State, got.Due(), got.WrittenOff, got.LossReason)
	}
	if b := r.Head(c, "EUR"); b != (activity.Balance{}) {
		t.Errorf("the balance is %+v", b)
	}
	r.Drain()
	told := 0
	for _, m := range r.Mail.Sent() {
		if m.To.Address == "olga@studio.example" && strings.Contains(m.Text, "Wrote off 100.00 EUR") && strings.Contains(m.Text, "bankrupt") {
			told++
		}
	}
	if told != 1 {
		t.Errorf("the owner was told %d times", told)
	}
	r.Cash(i.ID, 4000)
	if got = r.GetInvoice(i.ID); got.State != invoice.Uncollectible || got.WrittenOff != 6000 || got.Paid != 5900 {
		t.Errorf("after a part: %s, %d written off, %d paid", got.State, got.WrittenOff, got.Paid)
	}
	over := r.Cash(i.ID, 7000)
	if got = r.GetInvoice(i.ID); got.State != invoice.Paid || got.WrittenOff != 0 || over.Credit != 1000 {
		t.Errorf("after all: %s, %d written off, %d credit", got.State, got.WrittenOff, over.Credit)
	}
	want := []activity.Posting{
		rig.Post("cash", 1900), rig.Post("receivable", -1900),
		rig.Post("write-off", 10000), rig.Post("receivable", -10000),
		rig.Post("cash", 4000), rig.Post("receivable", 4000), rig.Post("write-off", -4000), rig.Post("receivable", -4000),
		rig.Post("cash", 7000), rig.Post("receivable", 6000), rig.Post("write-off", -6000), rig.Post("receivable", -6000), rig.Post("customer-credit", -1000),
	}
	if d := cmp.Diff(want, posted(r, c, "payment.recorded", "invoice.written_off")); d != "" {
		t.Error(d)
	}
	// Taken back, the payment leaves the loss that it found.
	if _, err := r.Checkout.Void(r.Ctx, owner, over.ID, "another client's"); err != nil {
		t.Fatal(err)
	}
	if got = r.GetInvoice(i.ID); got.State != invoice.Uncollectible || got.WrittenOff != 6000 {
		t.Errorf("after the void: %s, %d written off", got.State, got.WrittenOff)
	}
}

// As soon as there is a second person, a write-off is asked for and the other decides: once, not by the one who asked, on
// what is true then.
func TestWritingOffTakesTwo(t *testing.T) {
	r, c := shop(t)
	owner, clerk, second := joins(t, r, "Olga", member.Owner), joins(t, r, "Bert", member.Billing), joins(t, r, "Bea", member.Billing)
	ask := func(by activity.By, i invoice.Invoice) string {
		t.Helper()
		id, err := r.Billing.WriteOff(r.Ctx, by, i.ID, "bankrupt")
		if err != nil || id == "" {
			t.Fatalf("%q %v", id, err)
		}
		return id
	}
	i := r.Invoice(c, rig.Lines("100.00"))
	id := ask(clerk, i)
	if again := ask(clerk, i); again != id {
		t.Errorf("asked twice there are %s and %s", id, again)
	}
	if again := ask(owner, i); again != id {
		t.Errorf("asked by another there is %s beside %s", again, id)
	}
	if got := r.GetInvoice(i.ID); got.State != invoice.Open {
		t.Errorf("asking made it %s", got.State)
	}
	for who, by := range map[string]activity.By{"the one who asked": clerk, "no owner among the two": second, "an admin": joins(t, r, "Al", member.Admin)} {
		if _, err := r.Second.Approve(r.Ctx, by, id); !errors.Is(err, fault.Denied) {
			t.Errorf("%s: %v", who, err)
		}
	}
	for range 2 {
		a, err := r.Second.Approve(r.Ctx, owner, id)
		if err != nil || a.State != approval.Approved || a.DecidedBy.ID != owner.ID {
			t.Fatalf("%+v %v", a, err)
		}
	}
	if got := r.GetInvoice(i.ID); got.State != invoice.Uncollectible || got.LossReason != "bankrupt" {
		t.Errorf("approved, it is %s", got.State)
	}
	if ps := posted(r, c, "invoice.written_off"); len(ps) != 2 {
		t.Errorf("it was posted %d times", len(ps)/2)
	}
	if _, err := r.Second.Reject(r.Ctx, second, id, ""); !errors.Is(err, fault.Unready) {
		t.Errorf("rejected after it was approved: %v", err)
	}

	// What was paid meanwhile is not written off, and the answer says why.
	paid := r.Invoice(c, rig.Lines("50.00"))
	id = ask(owner, paid)
	if _, err := r.Second.Approve(r.Ctx, owner, id); !errors.Is(err, fault.Denied) {
		t.Errorf("an owner approved what they asked for: %v", err)
	}
	r.Cash(paid.ID, paid.Due())
	if _, err := r.Second.Approve(r.Ctx, clerk, id); !errors.Is(err, fault.Unready) || !strings.Contains(err.Error(), "paid") {
		t.Errorf("paid meanwhile: %v", err)
	}
	if a, err := r.Second.Reject(r.Ctx, owner, id, "it was paid"); err != nil || a.State != approval.Rejected || a.Answer != "it was paid" {
		t.Errorf("taken back: %+v %v", a, err)
	}
	if _, err := r.Second.Approve(r.Ctx, clerk, id); !errors.Is(err, fault.Unready) {
		t.Errorf("approved after it was rejected: %v", err)
	}

	// An old question expires, and the same may be asked anew.
	old := r.Invoice(c, rig.Lines("70.00"))
	id = ask(owner, old)
	r.Clock.Move(approval.Lifetime)
	if _, err := r.Second.Approve(r.Ctx, clerk, id); !errors.Is(err, fault.Unready) || !strings.Contains(err.Error(), "expired") {
		t.Errorf("expired: %v", err)
	}
	for s, want := range map[approval.State]int{approval.Open: 0, approval.Expired: 1, approval.Approved: 1, approval.Rejected: 1, "": 3} {
		if as, _, err := approval.List(r.Ctx, r.Table, s, r.Clock.Now(), 10, ""); err != nil || len(as) != want {
			t.Errorf("%q: %d of %d, %v", s, len(as), want, err)
		}
	}
	if ask(owner, old) == id {
		t.Error("an expired question was asked again")
	}
	// Two who answer at one moment decide once.
	r.Clock.Move(time.Second)
	both := r.Invoice(c, rig.Lines("30.00"))
	id = ask(owner, both)
	done := make(chan error, 2)
	for _, by := range []activity.By{clerk, second} {
		go func() { done <- failed(r.Second.Approve(r.Ctx, by, id)) }()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if got := r.GetInvoice(both.ID); got.WrittenOff != 3570 {
		t.Errorf("%d written off", got.WrittenOff)
	}
}

func failed(_ approval.Approval, err error) error { return err }

// A small balance is written off by one person; the threshold and two persons for a void are an owner's settings.
func TestWhatOnePersonMayDo(t *testing.T) {
	r, c := shop(t)
	owner, clerk := joins(t, r, "Olga", member.Owner), joins(t, r, "Bert", member.Billing)
	r.Settings(func(s *org.Settings) { s.SmallBalance, s.VoidSent, s.VoidByTwo = 500, true, true })
	for due, alone := range map[int64]bool{500: true, 501: false} {
		i := r.Invoice(c, rig.Lines("100.00"))
		r.Cash(i.ID, i.Due()-due)
		asked, err := r.Billing.WriteOff(r.Ctx, clerk, i.ID, "not worth a letter")
		if err != nil || (asked == "") != alone || (r.GetInvoice(i.ID).State == invoice.Uncollectible) != alone {
			t.Errorf("%d: asked %q, %v, %s", due, asked, err, r.GetInvoice(i.ID).State)
		}
	}
	unsent, sent := r.Invoice(c, rig.Lines("1.00")), r.Invoice(c, rig.Lines("2.00"))
	if asked, err := r.Billing.Void(r.Ctx, clerk, unsent.ID, "typo"); asked != "" || err != nil {
		t.Errorf("an unsent one: %q %v", asked, err)
	}
	if _, err := r.Billing.Send(r.Ctx, owner, sent.ID); err != nil {
		t.Fatal(err)
	}
	asked, err := r.Billing.Void(r.Ctx, clerk, sent.ID, "wrong client")
	if err != nil || asked == "" || r.GetInvoice(sent.ID).State != invoice.Open {
		t.Fatalf("a sent one: %q %v", asked, err)
	}
	if _, err := r.Second.Approve(r.Ctx, owner, asked); err != nil || r.GetInvoice(sent.ID).VoidReason != "wrong client" {
		t.Errorf("%v, %+v", err, r.GetInvoice(sent.ID).VoidReason)
	}
	set, err := r.Org.Get(r.Ctx)
	if err != nil {
		t.Fatal(err)
	}
	v := set.Version()
	set.SmallBalance = 1e9
	if _, err := r.Org.Update(r.Ctx, clerk, v, set); !errors.Is(err, fault.Denied) {
		t.Errorf("billing raised the limit: %v", err)
	}
}

// Money that was on its way when its invoice was written off recovers it (vectors/ledger_vectors.json, pay-12), also online.
func TestALatePaymentRecovers(t *testing.T) {
	r, c := shop(t)
	owner := joins(t, r, "Olga", member.Owner)
	i := r.Invoice(c, rig.Lines("100.00"))
	page := r.Page(i, 0)
	if _, err := r.Billing.WriteOff(r.Ctx, owner, i.ID, "no answer"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Checkout.Transfer(r.Ctx, owner, checkout.TransferInput{ContactID: c, ManualInput: checkout.ManualInput{Amount: 1, Method: payment.ByCash}}); err != nil {
		t.Fatal(err)
	}
	if got := r.GetInvoice(i.ID); got.Paid != 0 {
		t.Error("a transfer that names nothing went to what was written off")
	}
	if err := r.Checkout.Settle(r.Ctx, member.Automaton(member.Webhook), r.Bank.Pay(page.URL, rig.Succeed)); err != nil {
		t.Fatal(err)
	}
	if got := r.GetInvoice(i.ID); got.State != invoice.Paid || got.WrittenOff != 0 {
		t.Errorf("%s, %d written off", got.State, got.WrittenOff)
	}
}
