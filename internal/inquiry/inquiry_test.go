package inquiry_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onebook/internal/activity"
	"onebook/internal/contact"
	"onebook/internal/fault"
	"onebook/internal/inquiry"
	"onebook/internal/member"
	"onebook/internal/message"
	"onebook/internal/org"
	"onebook/internal/rig"
	"onebook/internal/task"
)

// studio is a house with an owner, which takes inquiries under studio-nord.
func studio(t *testing.T) (*rig.Rig, *inquiry.Service, string) {
	t.Helper()
	r := rig.New(t)
	r.Organise()
	m, err := r.Members.Admit(r.Ctx, member.Automaton(member.Setup), member.Input{Name: "Nora", Email: "nora@studio.example", Role: member.Owner}, "sub-nora")
	if err != nil {
		t.Fatal(err)
	}
	return r, &inquiry.Service{
		Table: r.Table, Records: r.Records, IDs: r.IDs, Now: r.Now, Org: r.Org, Members: r.Members, Contacts: r.Contacts, Tasks: r.Tasks,
	}, m.ID
}

func contacts(t *testing.T, r *rig.Rig) []contact.Contact {
	t.Helper()
	cs, _, err := r.Contacts.List(r.Ctx, contact.Active, "", 200, "")
	if err != nil {
		t.Fatal(err)
	}
	return cs
}

func open(t *testing.T, r *rig.Rig) []task.Task {
	t.Helper()
	ts, _, err := task.List(r.Ctx, r.Table, task.Filter{}, 200, "")
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

// Whoever writes is found or added by the rules of identity, nothing of a known contact changes, and somebody has a task with
// what was written.
func TestAnInquiryFindsOrAddsItsContact(t *testing.T) {
	ada := contact.Input{Kind: contact.Person, Name: "Ada Lovelace", Emails: []contact.EmailInput{{Address: "ada@x.example"}}, Phones: []contact.PhoneInput{{Number: "040 123456"}}}
	bo := contact.Input{Kind: contact.Person, Name: "Bo Berg", Emails: []contact.EmailInput{{Address: "bo@x.example"}}, Phones: []contact.PhoneInput{{Number: "040 654321"}}}
	acme := contact.Input{Kind: contact.Company, Name: "Acme", Emails: []contact.EmailInput{{Address: "info@acme.example"}}, People: []contact.HumanInput{
		{Name: "Cy Young", Role: "assistant", Emails: []contact.EmailInput{{Address: "cy@acme.example"}}},
	}}
	for _, c := range []struct {
		what string
		in   inquiry.Input
		name string // of whose record it lands on; new for a new one
		use  string // of the address on a new one
		says string // in the task
	}{
		{"a stranger", inquiry.Input{Name: "Di Dorn", Email: "di@y.example", Phone: "040 111111"}, "new", "own", "040 111111"},
		{"an own address, whatever the name", inquiry.Input{Name: "Somebody", Email: " ADA@x.example"}, "Ada Lovelace", "", "Recognised by e-mail"},
		{"a person's of a company", inquiry.Input{Name: "Cy", Email: "cy@acme.example"}, "Acme", "", "Recognised by e-mail, as Cy Young"},
		{"a number and its name", inquiry.Input{Name: "ada lovelace", Phone: "+49 40 123456"}, "Ada Lovelace", "", "phone and name"},
		{"a number and another name", inquiry.Input{Name: "Zoe Zimmer", Phone: "040 123456"}, "new", "", "May be Ada Lovelace"},
		{"a name alone", inquiry.Input{Name: "Bo Berg", Email: "bo.berg@z.example"}, "new", "own", "May be Bo Berg"},
		{"a shared address", inquiry.Input{Name: "Ed", Email: "info@acme.example"}, "new", "shared", "May be Acme"},
		{"the address of one and the number of another", inquiry.Input{Name: "Bo Berg", Email: "ada@x.example", Phone: "040 654321"}, "new", "shared", "May be Ada Lovelace"},
	} {
		t.Run(c.what, func(t *testing.T) {
			r, s, nora := studio(t)
			before := map[string]contact.Contact{}
			for _, in := range []contact.Input{ada, bo, acme} {
				x, err := r.Contacts.Create(r.Ctx, rig.Owner, in)
				if err != nil {
					t.Fatal(err)
				}
				before[x.ID] = x
			}
			c.in.Message = "Can you help me in May?\r\n<script>alert(1)</script>"
			c.in.Answers = map[string]string{"Which day?": "Any"}
			if err := s.Receive(r.Ctx, nil, "studio-nord", c.in); err != nil {
				t.Fatal(err)
			}
			var landed contact.Contact
			for _, x := range contacts(t, r) {
				old, known := before[x.ID]
				if !known {
					landed = x
					continue
				}
				if x.Name == c.name {
					landed = x
				}
				old.Balance, x.Balance = nil, nil
				if diff := cmp.Diff(old.Input(), x.Input()); diff != "" || old.Version() != x.Version() {
					t.Errorf("%s was changed: %s", old.Name, diff)
				}
			}
			if _, known := before[landed.ID]; known == (c.name == "new") || landed.ID == "" {
				t.Fatalf("it landed on %q, want %q", landed.Name, c.name)
			}
			if c.use != "" && (len(landed.Emails) != 1 || landed.Emails[0].Use != c.use || landed.Source != "inquiry") {
				t.Errorf("added as %+v", landed)
			}
			ts := open(t, r)
			if len(ts) != 1 || ts[0].ContactID != landed.ID || ts[0].OwnerID != nora || ts[0].Reason != task.Inquiry || ts[0].DueOn != rig.Day("2026-01-06") ||
				!strings.Contains(ts[0].Notes, c.says) || !strings.Contains(ts[0].Notes, "in May?") || !strings.Contains(ts[0].Notes, "Which day?: Any") {
				t.Errorf("%+v\nwant %q", ts, c.says)
			}
			ms, _, err := message.OfContacts(r.Ctx, r.Table, []string{landed.ID}, 10, "")
			if err != nil || len(ms) != 1 || !ms[0].Claimed || ms[0].Direction != message.In || ms[0].Text != "Can you help me in May?\n<script>alert(1)</script>" {
				t.Errorf("%+v %v", ms, err)
			}
			ks := r.Kinds(landed.ID)
			if ks[len(ks)-1] != "inquiry.received" {
				t.Errorf("the timeline tells %q", ks)
			}
		})
	}
}

// A repeated Idempotency-Key changes nothing; without one each inquiry is one more message and task, on one contact, also
// when strangers of one address write at one moment.
func TestInquiriesOfOneAddress(t *testing.T) {
	r, s, _ := studio(t)
	in := inquiry.Input{Name: "Di Dorn", Email: "di@y.example", Message: "Hello"}
	once := func() *activity.Once { return &activity.Once{Key: "k", Request: "r", Status: 202} }
	if err := s.Receive(r.Ctx, once(), "studio-nord", in); err != nil {
		t.Fatal(err)
	}
	if err := s.Receive(r.Ctx, once(), "studio-nord", in); !errors.Is(err, activity.ErrOnce) {
		t.Errorf("the same again: %v", err)
	}
	if n := len(open(t, r)); n != 1 {
		t.Errorf("%d tasks", n)
	}
	in.Email = "ed@y.example"
	var wg sync.WaitGroup
	for n := range 6 {
		wg.Go(func() {
			in := in
			in.Message = fmt.Sprint("Hello ", n)
			if err := s.Receive(r.Ctx, nil, "studio-nord", in); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if cs, ts := contacts(t, r), open(t, r); len(cs) != 2 || len(ts) != 7 {
		t.Errorf("%d contacts, %d tasks; want 2 and 7", len(cs), len(ts))
	}
	for _, c := range contacts(t, r) {
		r.Entries(c.ID)
	}
}

// So many are taken in an hour; whoever comes after is told when to come again, and nothing is kept of it.
func TestTooManyInquiries(t *testing.T) {
	r, s, _ := studio(t)
	r.Clock.Move(40 * time.Minute)
	send := func(n int) error {
		return s.Receive(r.Ctx, nil, "studio-nord", inquiry.Input{Name: "N", Email: fmt.Sprintf("n%d@y.example", n), Message: "Hello"})
	}
	for n := range inquiry.PerHour {
		if err := send(n); err != nil {
			t.Fatal(n, err)
		}
	}
	var f *fault.Error
	if err := send(99); !errors.As(err, &f) || f.Kind != fault.Busy || f.Code != "rate_limited" || f.Data["retryAfter"] != 1201 {
		t.Errorf("%v %+v", err, f)
	}
	if n := len(contacts(t, r)); n != inquiry.PerHour {
		t.Errorf("%d contacts", n)
	}
	r.Clock.Move(20 * time.Minute)
	if err := send(99); err != nil {
		t.Errorf("an hour later: %v", err)
	}
}

// What is wrong is told by field, and another slug has no form. The one who answers is who the settings name, while a member.
func TestWhatAnInquiryNeeds(t *testing.T) {
	r, s, nora := studio(t)
	good := inquiry.Input{Name: "Di", Email: "di@y.example", Message: "Hello"}
	for want, edit := range map[string]func(in *inquiry.Input){
		"name":     func(in *inquiry.Input) { in.Name = "Di\r\nBcc: x@y.example" },
		"email":    func(in *inquiry.Input) { in.Email = "" },
		"email ":   func(in *inquiry.Input) { in.Email = "Di <di@y.example>" },
		"phone":    func(in *inquiry.Input) { in.Phone = "call me" },
		"message":  func(in *inquiry.Input) { in.Message = strings.Repeat("x", 5001) },
		"message ": func(in *inquiry.Input) { in.Message = " \n " },
		"answers":  func(in *inquiry.Input) { in.Answers = map[string]string{"q": strings.Repeat("x", 501)} },
	} {
		in := good
		edit(&in)
		var f *fault.Error
		if err := s.Receive(r.Ctx, nil, "studio-nord", in); !errors.As(err, &f) || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Field != strings.TrimSpace(want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if err := s.Receive(r.Ctx, nil, "studio-sued", good); !errors.Is(err, fault.NotFound) {
		t.Errorf("another slug: %v", err)
	}
	if len(contacts(t, r)) != 0 {
		t.Error("something was kept")
	}
	m, err := r.Members.Admit(r.Ctx, member.Automaton(member.Setup), member.Input{Name: "Sam", Email: "sam@studio.example", Role: member.Sales}, "sub-sam")
	if err != nil {
		t.Fatal(err)
	}
	r.Settings(func(s *org.Settings) { s.InquiryOwnerID, s.Slug = m.ID, "nord" })
	if err := s.Receive(r.Ctx, nil, "nord", good); err != nil || open(t, r)[0].OwnerID != m.ID {
		t.Errorf("%+v %v", open(t, r), err)
	}
	by := activity.By{Kind: activity.Member, ID: nora, Role: "owner"}
	if err := r.Members.Remove(r.Ctx, by, m.ID, m.Version()); err != nil {
		t.Fatal(err)
	}
	if err := s.Receive(r.Ctx, nil, "nord", good); err != nil {
		t.Fatal(err)
	}
	owners := ""
	for _, x := range open(t, r) {
		owners += x.OwnerID
	}
	if !strings.Contains(owners, nora) {
		t.Error("nobody got the task of a member who has left")
	}
}
