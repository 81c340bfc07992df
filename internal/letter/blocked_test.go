package letter_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"onebook/internal/contact"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/issue"
	"onebook/internal/letter"
	"onebook/internal/rig"
)

func desk(r *rig.Rig) *letter.Desk {
	return &letter.Desk{Table: r.Table, Issues: r.Desk, Clients: r.Billing.Clients, IDs: r.IDs, Now: r.Clock.Now}
}

func codeOf(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}

// only is the one open issue.
func only(t *testing.T, r *rig.Rig) issue.Issue {
	t.Helper()
	all, _, err := r.Desk.List(r.Ctx, issue.Open, 10, "")
	if err != nil || len(all) != 1 {
		t.Fatalf("%d open issues, %v", len(all), err)
	}
	return all[0]
}

func problems(t *testing.T, r *rig.Rig, contactID string) (codes []string) {
	t.Helper()
	c, err := r.Contacts.Get(r.Ctx, contactID)
	if err != nil {
		t.Fatal(err)
	}
	q, err := r.Contacts.Quality(r.Ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range q.Problems {
		codes = append(codes, p.Code)
	}
	return codes
}

// A letter that came back for good stops all letters to that address, however it is written. Who sends hears it at once, what
// goes out by itself ends in an issue, the contact shows it; unblocking with a reason mails what has not arrived, once.
func TestBounceStopsMail(t *testing.T) {
	r, c := shop(t)
	i, e := sent(t, r, c)
	r.Drain()
	for range 3 {
		report(t, r, "Bounce", e, "ses-1")
	}
	is := only(t, r)
	if want := []string{"resend", "unblock", "resolve", "ignore", "assign"}; !slices.Equal(is.Actions(), want) || !strings.Contains(is.Detail, "550 5.1.1 user unknown") {
		t.Errorf("%v: %s", is.Actions(), is.Detail)
	}
	for _, a := range is.Actions() {
		if is.Does(a) == "" {
			t.Errorf("nobody is told what %s does", a)
		}
	}
	if !slices.Contains(problems(t, r, c), "blocked_email") {
		t.Error("the contact does not show it")
	}
	r.Clock.Move(time.Hour)
	if _, err := r.Billing.Send(r.Ctx, rig.Owner, i.ID); codeOf(err) != "address_blocked" || !errors.Is(err, fault.Unready) {
		t.Errorf("sending again: %v", err)
	}
	other := r.Estimate(r.Contact("Somebody Else", "").ID, rig.Lines("1.00"))
	if _, err := r.Selling.Send(r.Ctx, rig.Owner, other.ID); codeOf(err) != "no_address" {
		t.Errorf("%v", err)
	}
	if err := contact.Welcome(r.Ctx, r.Table, "ADA@Client.Example."); !errors.Is(err, contact.ErrBlocked) {
		t.Errorf("written otherwise it is %v", err)
	}
	if err := contact.Welcome(r.Ctx, r.Table, "ada@other.example"); err != nil {
		t.Errorf("another's: %v", err)
	}
	// The receipt goes out by itself, so it ends in an issue of its own, which can be settled from there.
	r.Cash(i.ID, 100)
	r.Drain()
	if n := len(r.Mail.Sent()); n != 1 {
		t.Errorf("%d letters to a blocked address", n)
	}
	all, _, err := r.Desk.List(r.Ctx, issue.Open, 10, "")
	if err != nil || len(all) != 2 {
		t.Fatalf("%d issues, %v", len(all), err)
	}
	receipt := all[slices.IndexFunc(all, func(x issue.Issue) bool { return x.ID != is.ID })]
	if receipt.Actions()[0] != "unblock" || receipt.Code != "mail.receipt.failed" {
		t.Errorf("%s offers %v", receipt.Code, receipt.Actions())
	}
	d := desk(r)
	if err := d.Unblock(r.Ctx, rig.Owner, is.ID, " "); !errors.Is(err, fault.Invalid) {
		t.Errorf("without a reason: %v", err)
	}
	if err := d.Unblock(r.Ctx, rig.As("viewer"), is.ID, "x"); !errors.Is(err, fault.Denied) {
		t.Errorf("by a viewer: %v", err)
	}
	if err := d.Resend(r.Ctx, rig.Owner, is.ID, "try"); codeOf(err) != "address_blocked" {
		t.Errorf("resending to the same address: %v", err)
	}
	if err := d.Unblock(r.Ctx, rig.Owner, is.ID, "their host was down, says Ada"); err != nil {
		t.Fatal(err)
	}
	if err := d.Unblock(r.Ctx, rig.Owner, is.ID, "again"); !errors.Is(err, fault.Unready) {
		t.Errorf("twice: %v", err)
	}
	if err := d.Unblock(r.Ctx, rig.Owner, receipt.ID, "their host was down, says Ada"); err != nil {
		t.Fatal(err)
	}
	r.Drain()
	var got []string
	for _, m := range r.Mail.Sent() {
		got = append(got, m.Subject)
	}
	slices.Sort(got)
	want := []string{"Invoice " + i.Number, "Invoice " + i.Number, "Payment received for invoice " + i.Number}
	if !slices.Equal(got, want) {
		t.Errorf("letters %q", got)
	}
	if slices.Contains(problems(t, r, c), "blocked_email") || len(r.Issues(issue.Open)) != 0 {
		t.Errorf("afterwards: %v, %v", problems(t, r, c), r.Issues(issue.Open))
	}
	// The old report comes once more: it is known and blocks nothing anew.
	report(t, r, "Bounce", e, "ses-1")
	if err := contact.Welcome(r.Ctx, r.Table, "ada@client.example"); err != nil {
		t.Errorf("an old report: %v", err)
	}
}

// A letter in line when its address is blocked does not go out, and the invoice's slip says why.
func TestBlockedWhileInLine(t *testing.T) {
	r, c := shop(t)
	_, first := sent(t, r, c)
	r.Drain()
	i, _ := sent(t, r, c)
	report(t, r, "Bounce", first, "ses-1")
	r.Drain()
	tr, err := invoice.GetTrack(r.Ctx, r.Table, i)
	if err != nil || tr.Delivery == nil || tr.Delivery.State != invoice.Suppressed || len(r.Mail.Sent()) != 1 {
		t.Errorf("the slip says %+v %v, %d letters", tr.Delivery, err, len(r.Mail.Sent()))
	}
}

// A full mailbox passes: the letter did not arrive, which a person sees and may resend, but nothing is blocked.
func TestPassingBounceBlocksNothing(t *testing.T) {
	for _, kind := range []string{"Transient", "Undetermined"} {
		r, c := shop(t)
		_, e := sent(t, r, c)
		r.Drain()
		reportOf(t, r, "Bounce", kind, e, "ses-1")
		is := only(t, r)
		if is.Actions()[0] != "resend" || slices.Contains(is.Actions(), "unblock") {
			t.Errorf("%s: %v", kind, is.Actions())
		}
		if err := contact.Welcome(r.Ctx, r.Table, "ada@client.example"); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		for range 2 {
			_ = desk(r).Resend(r.Ctx, rig.Owner, is.ID, "there is room again")
		}
		r.Drain()
		if n := len(r.Mail.Sent()); n != 2 {
			t.Errorf("%s: %d letters", kind, n)
		}
	}
}

// A complaint stops letters too; unblocking does not mail the same letter at once to somebody who has it and was annoyed by it.
func TestComplaintStopsMail(t *testing.T) {
	r, c := shop(t)
	i, e := sent(t, r, c)
	r.Drain()
	report(t, r, "Delivery", e, "ses-1")
	report(t, r, "Complaint", e, "ses-1")
	is := only(t, r)
	if is.Code != "letter.complained" || is.Actions()[0] != "unblock" {
		t.Errorf("%s %v", is.Code, is.Actions())
	}
	if tr, err := invoice.GetTrack(r.Ctx, r.Table, i); err != nil || tr.Delivery.State != invoice.Complained {
		t.Errorf("the slip says %+v %v", tr.Delivery, err)
	}
	if err := contact.Welcome(r.Ctx, r.Table, "ada@client.example"); !errors.Is(err, contact.ErrBlocked) {
		t.Errorf("%v", err)
	}
	if err := desk(r).Unblock(r.Ctx, rig.Owner, is.ID, "it was a slip of the finger"); err != nil {
		t.Fatal(err)
	}
	r.Drain()
	if n := len(r.Mail.Sent()); n != 1 {
		t.Errorf("%d letters", n)
	}
}
