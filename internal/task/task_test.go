package task_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/member"
	"onebook/internal/rig"
	"onebook/internal/task"
)

// desk is a studio with two members.
func desk(t *testing.T) (r *rig.Rig, ada, bo activity.By) {
	t.Helper()
	r = rig.New(t)
	r.Organise()
	join := func(name string, role member.Role) activity.By {
		m, err := r.Members.Admit(r.Ctx, member.Automaton(member.Setup), member.Input{Name: name, Email: name + "@studio.example", Role: role}, "sub-"+name)
		if err != nil {
			t.Fatal(err)
		}
		return activity.By{Kind: activity.Member, ID: m.ID, Name: m.Name, Role: string(m.Role)}
	}
	return r, join("ada", member.Owner), join("bo", member.Sales)
}

func add(t *testing.T, r *rig.Rig, by activity.By, in task.Input) task.Task {
	t.Helper()
	x, err := r.Tasks.Create(r.Ctx, by, in)
	if err != nil {
		t.Fatalf("%+v: %v", in, err)
	}
	return x
}

func get(t *testing.T, r *rig.Rig, taskID string) task.Task {
	t.Helper()
	x, err := task.Get(r.Ctx, r.Table, taskID)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// A task that hangs on a document ends with it in the same write, as fits its reason; what was done stays done, and what
// hangs on something else goes on.
func TestTasksDieWithTheirReason(t *testing.T) {
	invoice := func(r *rig.Rig, c string) string { return r.Invoice(c, rig.Lines("100.00")).ID }
	draft := func(r *rig.Rig, c string) string { return r.Draft(c, rig.Lines("100.00")).ID }
	offer := func(r *rig.Rig, c string) string { return r.Offer(c, rig.Lines("100.00")).ID }
	sketch := func(r *rig.Rig, c string) string { return r.Estimate(c, rig.Lines("100.00")).ID }
	must := func(r *rig.Rig, err error) {
		r.TB.Helper()
		if err != nil {
			r.TB.Fatal(err)
		}
	}
	for _, c := range []struct {
		what    string
		subject func(r *rig.Rig, contact string) string
		event   func(r *rig.Rig, subject string)
		dropped string // reasons that end
		because string
	}{
		{"a part is paid", invoice, func(r *rig.Rig, s string) { r.Cash(s, 100) }, "", ""},
		{"all is paid by hand", invoice, func(r *rig.Rig, s string) { r.Cash(s, 11900) }, "answer payment", "invoice 2026-0001 is paid"},
		{"more than all is paid", invoice, func(r *rig.Rig, s string) { r.Cash(s, 12000) }, "answer payment", "invoice 2026-0001 is paid"},
		{"all is paid on the page", invoice, func(r *rig.Rig, s string) {
			page := r.Page(r.GetInvoice(s), 0)
			r.Bank.Pay(page.URL, rig.Succeed)
			r.Sweep()
		}, "answer payment", "invoice 2026-0001 is paid"},
		{"the invoice is voided", invoice, func(r *rig.Rig, s string) {
			_, err := r.Billing.Void(r.Ctx, rig.Owner, s, "typing error")
			must(r, err)
		}, "other answer payment", "invoice 2026-0001 is void"},
		{"the draft is issued", draft, func(r *rig.Rig, s string) { r.Issue(s) }, "", ""},
		{"the draft is thrown away", draft, func(r *rig.Rig, s string) {
			must(r, r.Billing.Delete(r.Ctx, rig.Owner, s, 1))
		}, "other answer payment", "the invoice was thrown away"},
		{"the client opens the offer", offer, func(r *rig.Rig, s string) {
			must(r, r.Selling.View(r.Ctx, rig.Client(r.GetEstimate(s).LinkID), s))
		}, "", ""},
		{"the client accepts", offer, func(r *rig.Rig, s string) {
			_, err := r.Selling.Accept(r.Ctx, rig.Client(r.GetEstimate(s).LinkID), s, "Ada")
			must(r, err)
		}, "answer payment", "estimate E-0001 is accepted"},
		{"the client declines", offer, func(r *rig.Rig, s string) {
			_, err := r.Selling.Decline(r.Ctx, rig.Owner, s, "Ada", "too dear")
			must(r, err)
		}, "other answer payment", "estimate E-0001 is declined"},
		{"the offer expires", offer, func(r *rig.Rig, _ string) { r.Clock.Move(40 * 24 * time.Hour); r.Sweep() }, "other answer payment", "estimate E-0001 is expired"},
		{"the estimate is thrown away", sketch, func(r *rig.Rig, s string) {
			must(r, r.Selling.Delete(r.Ctx, rig.Owner, s, 1))
		}, "other answer payment", "the estimate was thrown away"},
	} {
		t.Run(c.what, func(t *testing.T) {
			r, ada, _ := desk(t)
			contact := r.Contact("Client", "client@x.example").ID
			subject, elsewhere := c.subject(r, contact), r.Draft(contact, rig.Lines("5.00")).ID
			r.Drain()
			var mine []task.Task
			for _, reason := range []string{task.Other, task.Answer, task.Payment} {
				mine = append(mine, add(t, r, ada, task.Input{Subject: subject, Title: "Wait for " + reason, Reason: reason}))
			}
			done := add(t, r, ada, task.Input{Subject: subject, Title: "Was done", Reason: task.Payment})
			if _, err := r.Tasks.Done(r.Ctx, ada, done.ID, 0); err != nil {
				t.Fatal(err)
			}
			others := []task.Task{
				add(t, r, ada, task.Input{Subject: elsewhere, Title: "Elsewhere", Reason: task.Payment}),
				add(t, r, ada, task.Input{ContactID: contact, Title: "About nothing"}),
			}
			c.event(r, subject)
			for _, m := range mine {
				x, want := get(t, r, m.ID), task.Open
				if slices.Contains(strings.Fields(c.dropped), m.Reason) {
					want = task.Dropped
				}
				if x.State != want || want == task.Dropped && (x.Because != c.because || x.ClosedAt.IsZero()) {
					t.Errorf("%s is %s because %q, want %s", m.Reason, x.State, x.Because, want)
				}
				if _, err := r.Tasks.Reopen(r.Ctx, ada, m.ID, 0); want == task.Dropped && !errors.Is(err, fault.Unready) && !errors.Is(err, fault.Invalid) {
					t.Errorf("%s was opened again although %s: %v", m.Reason, c.because, err)
				}
			}
			if x := get(t, r, done.ID); x.State != task.Done {
				t.Errorf("what was done is %s", x.State)
			}
			for _, o := range others {
				if x := get(t, r, o.ID); x.State != task.Open {
					t.Errorf("%s is %s", o.Title, x.State)
				}
			}
			if c.dropped != "" {
				if _, err := r.Tasks.Create(r.Ctx, ada, task.Input{Subject: subject, Title: "Too late", Reason: task.Payment}); err == nil {
					t.Error("a task was made whose reason had ended")
				}
			}
			r.Entries(contact) // verified
		})
	}
}

// However a task and the payment that ends it come together, no open task is left that waits for it.
func TestATaskIsNeverBornTooLate(t *testing.T) {
	for range 5 {
		r, ada, _ := desk(t)
		contact := r.Contact("Client", "client@x.example").ID
		inv := r.Invoice(contact, rig.Lines("100.00"))
		var wg sync.WaitGroup
		for n := range 4 {
			wg.Go(func() {
				_, err := r.Tasks.Create(r.Ctx, ada, task.Input{Subject: inv.ID, Title: fmt.Sprint("Ask ", n), Reason: task.Payment})
				if err != nil && !errors.Is(err, fault.Unready) {
					t.Error(err)
				}
			})
		}
		wg.Go(func() { r.Cash(inv.ID, 11900) })
		wg.Wait()
		if open, _, err := task.List(r.Ctx, r.Table, task.Filter{Contacts: []string{contact}}, 50, ""); err != nil || len(open) != 0 {
			t.Fatalf("%d tasks wait for a payment that has come: %v", len(open), err)
		}
	}
}

// What is wrong is told by field; who owns nothing here may own no task; one document has so many tasks that all of them
// fit into the write that ends it.
func TestWhatATaskNeeds(t *testing.T) {
	r, ada, bo := desk(t)
	a, b := r.Contact("A", "").ID, r.Contact("B", "").ID
	inv := r.Invoice(a, rig.Lines("1.00")).ID
	for want, in := range map[string]task.Input{
		"title":      {ContactID: a, Title: " \n"},
		"title ":     {ContactID: a, Title: "one\ntwo"},
		"contactId":  {Title: "x"},
		"contactId ": {ContactID: "ct_none", Title: "x"},
		"ownerId":    {ContactID: a, Title: "x", OwnerID: "mb_none"},
		"subject":    {Subject: "in_none", Title: "x"},
		"subject ":   {Subject: inv, ContactID: b, Title: "x"},
		"subject  ":  {Subject: "in_" + strings.TrimPrefix(a, "ct_") + strings.TrimPrefix(b, "ct_"), Title: "x"},
		"subject   ": {ContactID: a, Title: "x", Reason: task.Payment},
		"reason":     {ContactID: a, Title: "x", Reason: "whim"},
		"dueAt":      {ContactID: a, Title: "x", DueOn: rig.Day("2026-02-01"), DueAt: rig.Begin},
	} {
		_, err := r.Tasks.Create(r.Ctx, ada, in)
		var f *fault.Error
		if !errors.As(err, &f) || len(f.Fields) != 1 || f.Fields[0].Field != strings.TrimSpace(want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	if _, err := r.Tasks.Create(r.Ctx, rig.As(member.Viewer), task.Input{ContactID: a, Title: "x", OwnerID: ada.ID}); !errors.Is(err, fault.Denied) {
		t.Errorf("a viewer: %v", err)
	}
	for range 20 {
		add(t, r, ada, task.Input{Subject: inv, Title: "x", Reason: task.Payment})
	}
	if _, err := r.Tasks.Create(r.Ctx, ada, task.Input{Subject: inv, Title: "x"}); !errors.Is(err, fault.Unready) {
		t.Errorf("a 21st: %v", err)
	}
	r.Cash(inv, 119) // all twenty in one write
	if open, _, err := task.List(r.Ctx, r.Table, task.Filter{}, 50, ""); err != nil || len(open) != 0 {
		t.Errorf("%d left, %v", len(open), err)
	}

	x := add(t, r, ada, task.Input{ContactID: a, Title: "Call", DueOn: rig.Day("2026-01-06")})
	if x.OwnerID != ada.ID || x.Reason != task.Other {
		t.Errorf("%+v", x)
	}
	if _, err := r.Tasks.Update(r.Ctx, ada, x.ID, 7, task.Input{Title: "Call"}); !errors.Is(err, fault.Stale) {
		t.Errorf("another version: %v", err)
	}
	x, err := r.Tasks.Update(r.Ctx, ada, x.ID, 1, task.Input{Title: "Call", OwnerID: bo.ID, DueAt: rig.Begin.Add(time.Hour)})
	if err != nil || x.OwnerID != bo.ID || !x.DueOn.IsZero() || x.Version() != 2 {
		t.Errorf("%+v %v", x, err)
	}
	for range 2 {
		if x, err = r.Tasks.Done(r.Ctx, bo, x.ID, 0); err != nil || x.Version() != 3 {
			t.Errorf("done: %+v %v", x, err)
		}
	}
	if _, err := r.Tasks.Update(r.Ctx, ada, x.ID, 3, task.Input{Title: "Call", OwnerID: bo.ID}); !errors.Is(err, fault.Unready) {
		t.Errorf("a closed one was changed: %v", err)
	}
	if got := strings.Join(r.Kinds(a)[len(r.Kinds(a))-3:], " "); got != "task.created task.changed task.done" {
		t.Errorf("the timeline tells %s", got)
	}
}

// My open tasks are mine, the soonest due first and those without a day last, over all contacts and pages; a day begins
// where the organisation is.
func TestListsOfTasks(t *testing.T) {
	r, ada, bo := desk(t)
	var want []string
	for n, due := range []string{"2026-01-09", "some day", "2026-01-07", "2026-01-08", "2026-01-31", "2026-01-06"} {
		in := task.Input{ContactID: r.Contact(fmt.Sprint("C", n), "").ID, Title: due}
		if due != "some day" {
			in.DueOn = rig.Day(due)
			want = append(want, due)
		}
		add(t, r, ada, in)
		in.OwnerID = bo.ID
		in.Title += " bo"
		add(t, r, ada, in)
	}
	hour := add(t, r, ada, task.Input{ContactID: r.Contact("D", "").ID, Title: "2026-01-07 22:59", DueAt: time.Date(2026, 1, 7, 22, 59, 0, 0, time.UTC)})
	slices.Sort(want)
	want = append(slices.Insert(want, 2, hour.Title), "some day")
	all := func(f task.Filter, limit int) (out []string) {
		t.Helper()
		for cursor := ""; ; {
			ts, next, err := task.List(r.Ctx, r.Table, f, limit, cursor)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range ts {
				out = append(out, x.Title)
			}
			if cursor = next; cursor == "" {
				return out
			}
		}
	}
	for _, limit := range []int{1, 2, 50} {
		if got := all(task.Filter{OwnerID: ada.ID}, limit); !slices.Equal(got, want) {
			t.Errorf("by %d: %q\nwant %q", limit, got, want)
		}
	}
	if got := all(task.Filter{}, 3); len(got) != 13 {
		t.Errorf("everybody's: %q", got)
	}
	// The eighth begins in Hamburg at 23:00 UTC of the seventh.
	if got := all(task.Filter{OwnerID: ada.ID, Before: time.Date(2026, 1, 7, 23, 0, 0, 0, time.UTC)}, 50); !slices.Equal(got, want[:3]) {
		t.Errorf("before the eighth: %q", got)
	}
	if got := all(task.Filter{OwnerID: bo.ID, Contacts: []string{hour.ContactID}}, 50); len(got) != 0 {
		t.Errorf("bo's of D: %q", got)
	}
	if _, err := r.Tasks.Done(r.Ctx, ada, hour.ID, 0); err != nil {
		t.Fatal(err)
	}
	if got := all(task.Filter{State: task.Done, OwnerID: ada.ID}, 50); !slices.Equal(got, []string{hour.Title}) {
		t.Errorf("done: %q", got)
	}
	if got := all(task.Filter{OwnerID: ada.ID}, 50); slices.Contains(got, hour.Title) {
		t.Errorf("still open: %q", got)
	}
	x := get(t, r, hour.ID)
	x.State = task.Open
	if !x.Overdue(x.DueAt.Add(time.Second), rig.Day("2026-01-07")) || x.Overdue(x.DueAt, rig.Day("2026-01-07")) {
		t.Error("an hour passes when it passes")
	}
	x.DueAt, x.DueOn = time.Time{}, rig.Day("2026-01-07")
	if x.Overdue(rig.Begin, rig.Day("2026-01-07")) || !x.Overdue(rig.Begin, rig.Day("2026-01-08")) {
		t.Error("a day passes when it is over")
	}
}

// After a merge a task about nothing begins with the survivor, one about a document lies beside it and ends with it, and the
// survivor's list holds all of them, the newest first.
func TestTasksOfMergedContacts(t *testing.T) {
	r, ada, _ := desk(t)
	stays, gone := r.Contact("Stays", "").ID, r.Contact("Gone", "").ID
	inv := r.Invoice(gone, rig.Lines("100.00"))
	add(t, r, ada, task.Input{ContactID: gone, Title: "one"})
	tie := func(contact string, by activity.Tie) {
		if _, err := r.Records.Do(r.Ctx, rig.Owner, activity.ContactChain(contact), func(context.Context, activity.Head) (*activity.Deed, error) {
			return &activity.Deed{Kind: "contact.merged", Subject: stays, Text: "Merged", Tie: &by}, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	tie(gone, activity.Tie{MergedInto: stays})
	tie(stays, activity.Tie{Members: []string{gone}})
	r.Clock.Move(time.Minute)
	if x := add(t, r, ada, task.Input{ContactID: gone, Title: "two"}); x.ContactID != stays {
		t.Errorf("it began with %s", x.ContactID)
	}
	r.Clock.Move(time.Minute)
	three := add(t, r, ada, task.Input{ContactID: stays, Subject: inv.ID, Title: "three", Reason: task.Payment})
	if three.ContactID != gone {
		t.Errorf("it does not lie beside its document, but with %s", three.ContactID)
	}
	var got []string
	for cursor := ""; ; {
		ts, next, err := task.List(r.Ctx, r.Table, task.Filter{Contacts: []string{stays, gone}}, 1, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range ts {
			got = append(got, x.Title)
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	if !slices.Equal(got, []string{"three", "two", "one"}) {
		t.Errorf("%q", got)
	}
	r.Cash(inv.ID, 11900)
	if x := get(t, r, three.ID); x.State != task.Dropped {
		t.Errorf("it is %s", x.State)
	}
}
