package contact

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/member"
	"onebook/internal/org"
	"onebook/internal/store"
	"onebook/internal/store/storetest"
)

func full() Input {
	return Input{
		Kind: Company, Name: "Bücher & Söhne", Company: "Bücher Gruppe",
		Emails:  []EmailInput{{Address: " Post <Kontakt@BÜCHER.de> "}, {Address: "erika@bücher.de", Use: Own}},
		Phones:  []PhoneInput{{Number: "030 123456"}, {Number: "555 12"}},
		Address: org.Address{Line1: "Hauptstr. 1", City: "Wien", PostalCode: "1010", Country: "AT"},
		TaxID:   "ATU12345678", TimeZone: "Europe/Vienna", Locale: "de-AT", Currency: "EUR", Tags: []string{"vip", "vip", "print"},
		Source: "fair", ExternalIDs: map[string]string{"crm": "4711"}, Custom: map[string]string{"shoeSize": "43"},
		People: []HumanInput{{
			Name: "Max Maier", Role: "accounts", Emails: []EmailInput{{Address: "max@bücher.de"}}, Phones: []PhoneInput{{Number: "+43 1 5324444"}},
			Receives: []string{"visits", "invoices"},
		}},
	}
}

// What was typed is what is read back, with the keys that follow from it.
func TestWhatWasTypedIsReadBack(t *testing.T) {
	w := newWorld(t)
	made := w.add(t, full())
	got, err := w.Get(ctx, made.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(made, got, cmpopts.EquateComparable(), cmp.AllowUnexported(Contact{})); diff != "" {
		t.Errorf("what Create answered is not what is read: %s", diff)
	}
	want := []Email{
		{Address: "Kontakt@BÜCHER.de", Use: Shared, Key: "kontakt@xn--bcher-kva.de"},
		{Address: "erika@bücher.de", Use: Own, Key: "erika@xn--bcher-kva.de"},
	}
	if diff := cmp.Diff(want, got.Emails); diff != "" {
		t.Error(diff)
	}
	// The contact's own country decides: in Austria 030 123456 is no number, in Germany it would be.
	if p := got.Phones[0]; p.E164 == "+4930123456" || p.Number != "030 123456" {
		t.Errorf("read in the wrong country: %+v", p)
	}
	if p := got.Phones[1]; p.Valid || p.E164 != "" {
		t.Errorf("%+v is called valid", p)
	}
	if strings.Join(got.Tags, " ") != "vip print" || got.Version() != 1 || got.Seq() != 1 || len(got.Balance) != 0 {
		t.Errorf("%v %d %d", got.Tags, got.Version(), got.Seq())
	}
	shown, err := json.Marshal(got)
	if err != nil || !strings.Contains(string(shown), `"balance":[]`) || !strings.Contains(string(shown), `"createdAt":"2026-01-01T00:00:00Z"`) {
		t.Errorf("%s %v", shown, err)
	}
	// Saving the form as it is changes nothing and leaves no trace.
	again, err := w.Update(ctx, owner, made.ID, 1, got.Input())
	if err != nil || again.Version() != 1 || again.Seq() != 1 {
		t.Errorf("an update without a change: version %d seq %d %v", again.Version(), again.Seq(), err)
	}
}

// Every wrong field is named at once, by its path.
func TestEveryWrongFieldIsNamed(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("x", 201)
	for _, c := range []struct {
		what string
		in   Input
		want string
	}{
		{"nothing at all", Input{}, "kind name"},
		{"a person with people", Input{Kind: Person, Name: "J", People: []HumanInput{{Name: "X"}}}, "people"},
		{"many at once", Input{
			Kind: "robot", Name: long, TimeZone: "Mars/Base", Locale: "klingon!", Currency: "XYZ", Address: org.Address{Country: "ZZ"},
			Emails: []EmailInput{{Address: "ok@example.com"}, {Address: "jane@"}, {Address: "o@example.com", Use: "mine"}},
			Phones: []PhoneInput{{Number: "call me"}}, Tags: []string{" "}, ExternalIDs: map[string]string{"a#b": "1", "crm": " "},
			Custom: map[string]string{"1st": "x"},
		}, "name emails[1].address emails[2].use phones[0].number tags[0] externalIds externalIds.crm custom.1st kind address.country timeZone locale currency"},
		{"one address twice", Input{Kind: Person, Name: "J", Emails: []EmailInput{{Address: "j@x.de"}, {Address: "J@x.de"}}}, "emails[1].address"},
		{"one number twice", Input{Kind: Person, Name: "J", Phones: []PhoneInput{{Number: "030 123456"}, {Number: "+49 30 123456"}}}, "phones[1].number"},
		{"an address of the firm and of one of its people", Input{Kind: Company, Name: "J", Emails: []EmailInput{{Address: "j@x.de"}}, People: []HumanInput{{Name: "P", Emails: []EmailInput{{Address: "j@x.de"}}}}}, "people[0].emails[0].address"},
		{"a line break in a name", Input{Kind: Person, Name: "J\r\nBcc: all@example.com"}, "name"},
		{"a mark that turns a name around", Input{Kind: Person, Name: "Jane \u202eeoR"}, "name"},
		{"a name of nothing to see", Input{Kind: Person, Name: "\u200b\u200b"}, "name"},
		{"people who receive what is not sent", Input{Kind: Company, Name: "J", People: []HumanInput{{Name: "", Receives: []string{"gifts"}}}}, "people[0].name people[0].receives"},
		{"a country in small letters", Input{Kind: Person, Name: "J", Address: org.Address{Country: "de"}}, "address.country"},
		{"eleven addresses", Input{Kind: Person, Name: "J", Emails: make([]EmailInput, 11)}, "emails" + strings.Join(repeat(" emails[%d].address", 11), "")},
	} {
		_, err := w.Create(ctx, owner, c.in)
		if got := wrongFields(err); got != c.want {
			t.Errorf("%s: %s\nwant %s\n(%v)", c.what, got, c.want, err)
		}
	}
	if n := w.changes(t, ""); n != 0 {
		t.Errorf("%d items were written for contacts that were refused", n)
	}
}

func repeat(format string, n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf(format, i))
	}
	return out
}

// Somebody's own address cannot be given to another, and the refusal says who has it. A shared one can.
func TestAnOwnAddressIsOnePersonsAlone(t *testing.T) {
	w := newWorld(t)
	jane := w.add(t, Input{Name: "Jane", Emails: []EmailInput{{Address: "jane@example.com"}}, ExternalIDs: map[string]string{"crm": "1"}})
	for what, in := range map[string]Input{
		"the same address":    person("Impostor", "JANE@Example.com.", ""),
		"the same id":         {Kind: Person, Name: "Impostor", ExternalIDs: map[string]string{"crm": "1"}},
		"one of the people's": {Kind: Company, Name: "Firm", People: []HumanInput{{Name: "J", Emails: []EmailInput{{Address: "jane@example.com"}}}}},
	} {
		_, err := w.Create(ctx, owner, in)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Exists || f.Data["contactId"] != jane.ID {
			t.Errorf("%s: %v", what, err)
		}
	}
	w.add(t, Input{Name: "Her son", Emails: []EmailInput{{Address: "jane@example.com", Use: Shared}}})
	w.add(t, person("Firm A", "info@example.com", ""))
	w.add(t, person("Firm B", "info@example.com", ""))
	w.add(t, Input{Name: "Other system", ExternalIDs: map[string]string{"shop": "1"}})
}

// 64 people enter the same new client at one moment: one contact comes of it, and 63 are told which.
func TestRaceForOneAddress(t *testing.T) {
	w := newWorld(t)
	const n = 64
	var wg sync.WaitGroup
	made, told := make([]string, n), make([]any, n)
	start := make(chan struct{})
	for i := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			<-start
			c, err := w.Create(ctx, owner, person(fmt.Sprint("Jane ", i), "jane@example.com", "030 123456"))
			var f *fault.Error
			switch {
			case err == nil:
				made[i] = c.ID
			case errors.As(err, &f) && f.Kind == fault.Exists:
				told[i] = f.Data["contactId"]
			default:
				t.Errorf("%d: %v", i, err)
			}
		}()
	}
	close(start)
	wg.Wait()
	winner, winners := "", 0
	for _, m := range made {
		if m != "" {
			winner, winners = m, winners+1
		}
	}
	if winners != 1 {
		t.Fatalf("%d contacts were made", winners)
	}
	for i, id := range told {
		if made[i] == "" && id != winner {
			t.Errorf("%d was told %v, the winner is %s", i, id, winner)
		}
	}
	if got := w.all(t, "", 10); len(got) != 1 {
		t.Errorf("listed: %v", got)
	}
	if got := w.all(t, "jane", 10); len(got) != 1 {
		t.Errorf("found: %v", got)
	}
	if n := w.changes(t, "PHONE#"); n != 1 {
		t.Errorf("the losers left %d phone pointers", n-1)
	}
}

// A request that is sent twice with one Idempotency-Key does its work once.
func TestOneRequestMakesOneContact(t *testing.T) {
	w := newWorld(t)
	by := func() activity.By {
		b := owner
		b.Once = &activity.Once{Key: "k1", Request: "r", Status: 201}
		return b
	}
	c, err := w.Create(ctx, by(), person("Jane Doe", "jane@example.com", ""))
	if err != nil {
		t.Fatal(err)
	}
	for what, in := range map[string]Input{"the same": person("Jane Doe", "jane@example.com", ""), "one without keys": person("Jane Doe", "", "")} {
		if _, err := w.Create(ctx, by(), in); !errors.Is(err, activity.ErrOnce) {
			t.Errorf("%s: %v, want ErrOnce", what, err)
		}
	}
	if got := w.all(t, "", 10); len(got) != 1 {
		t.Errorf("listed: %v", got)
	}
	rec, ok, err := activity.FindOnce(ctx, w.Table, w.Now(), "k1")
	if err != nil || !ok || rec.Subject != c.ID {
		t.Errorf("the record tells of %+v %v %v", rec, ok, err)
	}
}

// A contact whose answer was lost on the way was made: nobody is told that its own address is taken.
func TestALostAnswerIsNoConflict(t *testing.T) {
	clock := &storetest.Clock{}
	h := storetest.OpenEmbedded(t, clock.Now)
	s := *newWorld(t).Service
	s.Table, s.Now = h.Table, clock.Now
	s.Records = &activity.Records{Table: h.Table, Now: clock.Now, Entropy: s.Records.Entropy}
	h.LoseAnswer(nil)
	c, err := s.Create(ctx, owner, person("Jane", "jane@example.com", ""))
	if err != nil {
		t.Fatal(err)
	}
	h.LoseAnswer(nil)
	in := c.Input()
	in.Emails = []EmailInput{{Address: "jd@example.com"}}
	if c, err = s.Update(ctx, owner, c.ID, 1, in); err != nil || c.Version() != 2 {
		t.Errorf("%+v %v", c, err)
	}
	if got, err := s.Get(ctx, c.ID); err != nil || got.Seq() != 2 || got.Emails[0].Key != "jd@example.com" {
		t.Errorf("%+v %v", got, err)
	}
}

// Two people who edit one contact do not overwrite each other: the second is told and shown what is there.
func TestSecondEditorIsTold(t *testing.T) {
	w := newWorld(t)
	c := w.add(t, person("Jane", "jane@example.com", ""))
	const n = 64
	var wg sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			in := c.Input()
			in.Source = fmt.Sprint("editor ", i)
			_, errs[i] = w.Update(ctx, owner, c.ID, 1, in)
		}()
	}
	wg.Wait()
	now, err := w.Get(ctx, c.ID)
	if err != nil || now.Version() != 2 || now.Seq() != 2 {
		t.Fatalf("version %d, seq %d, %v", now.Version(), now.Seq(), err)
	}
	won := 0
	for i, err := range errs {
		var f *fault.Error
		switch {
		case err == nil:
			won++
			if now.Source != fmt.Sprint("editor ", i) {
				t.Errorf("editor %d was told yes, but the record says %q", i, now.Source)
			}
		case errors.As(err, &f) && f.Kind == fault.Stale:
			if cur, ok := f.Data["current"].(Contact); !ok || cur.Version() != 2 || cur.Source != now.Source {
				t.Errorf("editor %d is shown %+v", i, f.Data["current"])
			}
		default:
			t.Errorf("editor %d: %v", i, err)
		}
	}
	if won != 1 {
		t.Errorf("%d editors won", won)
	}
}

// An address that is given up is free for somebody else at once; the rest of the contact's entries stay untouched.
func TestWhatIsRemovedIsFree(t *testing.T) {
	w := newWorld(t)
	in := Input{
		Kind: Person, Name: "Jane Doe", Emails: []EmailInput{{Address: "jane@example.com"}, {Address: "jd@example.com"}},
		Phones: []PhoneInput{{Number: "030 123456"}}, ExternalIDs: map[string]string{"crm": "1"},
	}
	c := w.add(t, in)
	before := w.changes(t, "U#") + w.changes(t, "FIND#") + w.changes(t, "PHONE#")
	next := c.Input()
	next.Emails, next.ExternalIDs = next.Emails[1:], nil
	c, err := w.Update(ctx, owner, c.ID, 1, next)
	if err != nil {
		t.Fatal(err)
	}
	// jane@example.com: guard and term; crm 1: guard.
	if n := w.changes(t, "U#") + w.changes(t, "FIND#") + w.changes(t, "PHONE#") - before; n != 3 {
		t.Errorf("%d entries were written for 3 differences", n)
	}
	other := w.add(t, Input{Name: "Janet", Emails: []EmailInput{{Address: "jane@example.com"}}, ExternalIDs: map[string]string{"crm": "1"}})
	// And it cannot be taken back.
	back := c.Input()
	back.Emails = append(back.Emails, EmailInput{Address: "jane@example.com"})
	_, err = w.Update(ctx, owner, c.ID, 2, back)
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Exists || f.Data["contactId"] != other.ID {
		t.Errorf("%v", err)
	}
	// Made shared, the address loses its guard as well.
	next = c.Input()
	next.Emails[0].Use = Shared
	if _, err := w.Update(ctx, owner, c.ID, 2, next); err != nil {
		t.Fatal(err)
	}
	w.add(t, person("J. D.", "jd@example.com", ""))
}

// An address that was verified stays so through edits, as long as it is the same mailbox.
func TestVerifiedStaysVerified(t *testing.T) {
	w := newWorld(t)
	c := w.add(t, person("Jane", "jane@example.com", ""))
	at := w.Now()
	c.Emails[0].VerifiedAt = at
	op, err := c.put()
	if err != nil {
		t.Fatal(err)
	}
	post(t, w, c.ID, nil, op)
	in := c.Input()
	in.Emails = []EmailInput{{Address: "new@example.com"}, {Address: "Jane@Example.com"}}
	got, err := w.Update(ctx, owner, c.ID, 2, in)
	if err != nil || !got.Emails[0].VerifiedAt.IsZero() || !got.Emails[1].VerifiedAt.Equal(at) {
		t.Errorf("%+v %v", got.Emails, err)
	}
}

// The history of a contact tells each changed field, who changed it and when, in words.
func TestTimelineTellsEachChange(t *testing.T) {
	w := newWorld(t)
	c := w.add(t, person("Jane Doe", "jane@example.com", ""))
	w.clock.Move(time.Hour)
	in := c.Input()
	in.Emails, in.Address, in.Locale = []EmailInput{{Address: "jd@example.com"}}, org.Address{City: "Bonn", Country: "DE"}, "de"
	if _, err := w.Update(ctx, as(member.Admin), c.ID, 1, in); err != nil {
		t.Fatal(err)
	}
	got, next, err := w.Timeline(ctx, c.ID, 1, "")
	if err != nil || len(got) != 1 || next == "" {
		t.Fatalf("%v %q %v", got, next, err)
	}
	e := got[0]
	want := []activity.Change{{Field: "emails", From: "jane@example.com", To: "jd@example.com"}, {Field: "address", To: "Bonn, DE"}, {Field: "locale", To: "de"}}
	if diff := cmp.Diff(want, e.Changes); diff != "" {
		t.Error(diff)
	}
	if e.Text != "Changed e-mail, address and language" || e.Actor != "A admin" || !e.At.Equal(w.Now()) || e.Subject != c.ID || e.Kind != "contact.changed" || !strings.HasPrefix(e.ID, "ev_") {
		t.Errorf("%+v", e)
	}
	first, _, err := w.Timeline(ctx, c.ID, 1, next)
	if err != nil || len(first) != 1 || first[0].Text != "Added Jane Doe" || first[0].ID == e.ID {
		t.Errorf("%+v %v", first, err)
	}
	if _, err := w.Records.Verify(ctx, activity.ContactChain(c.ID)); err != nil {
		t.Error(err)
	}
	if _, _, err := w.Timeline(ctx, "ct_00000000000000000000", 1, ""); !errors.Is(err, fault.NotFound) {
		t.Errorf("nobody's timeline: %v", err)
	}
}

// Two values that read alike are still two values.
func TestAChangeThatReadsAlikeIsSaved(t *testing.T) {
	w := newWorld(t)
	c := w.add(t, Input{Name: "J", Tags: []string{"a, b"}, Address: org.Address{Line1: "x", Line2: "y"}})
	in := c.Input()
	in.Tags, in.Address = []string{"a", "b"}, org.Address{Line1: "x", City: "y"}
	got, err := w.Update(ctx, owner, c.ID, 1, in)
	if err != nil || len(got.Tags) != 2 || got.Address.City != "y" || got.Version() != 2 {
		t.Errorf("%+v %v", got, err)
	}
}

// Who may do what (rules.md §9): billing edits billing fields, booking and sales the others, viewers nothing.
func TestRights(t *testing.T) {
	edits := map[string]func(*Input){
		"name":      func(in *Input) { in.Name = "Jane Roe" },
		"email":     func(in *Input) { in.Emails = []EmailInput{{Address: "roe@example.com"}} },
		"tax":       func(in *Input) { in.TaxID = "DE1" },
		"address":   func(in *Input) { in.Address.City = "Bonn" },
		"currency":  func(in *Input) { in.Currency = "CHF" },
		"both":      func(in *Input) { in.Name, in.TaxID = "Jane Roe", "DE1" },
		"person":    func(in *Input) { in.People = append(in.People, HumanInput{Name: "New", Receives: []string{"visits"}}) },
		"recipient": func(in *Input) { in.People[0].Receives = []string{"invoices"} },
		"nothing":   func(*Input) {},
	}
	may := map[member.Role]string{
		member.Owner: "name email tax address currency both person recipient nothing", member.Admin: "name email tax address currency both person recipient nothing",
		member.Billing: "tax address currency recipient nothing", member.Booking: "name email person nothing", member.Sales: "name email person nothing",
		member.Viewer: "",
	}
	w := newWorld(t)
	n := 0
	for _, role := range member.Roles {
		for what, edit := range edits {
			n++
			c := w.add(t, Input{Kind: Company, Name: "Jane Doe", People: []HumanInput{{Name: "Max"}}})
			in := c.Input()
			edit(&in)
			for i := range in.Emails {
				in.Emails[i].Address = fmt.Sprint(n, in.Emails[i].Address)
			}
			_, err := w.Update(ctx, as(role), c.ID, 1, in)
			want := strings.Contains(" "+may[role]+" ", " "+what+" ")
			if (err == nil) != want || err != nil && !errors.Is(err, fault.Denied) {
				t.Errorf("%s edits %s: %v, want allowed %v", role, what, err, want)
			}
		}
		c := w.add(t, person("X", "", ""))
		_, err := w.Archive(ctx, as(role), c.ID, 0)
		if want := role == member.Owner || role == member.Admin || role == member.Sales; (err == nil) != want {
			t.Errorf("%s archives: %v", role, err)
		}
		_, err = w.Create(ctx, as(role), person("Y", "", ""))
		if want := role != member.Viewer && role != member.Billing; (err == nil) != want {
			t.Errorf("%s creates: %v", role, err)
		}
	}
	for _, by := range []activity.By{member.Automaton(member.Webhook), {Kind: activity.Client, ID: "ln_1"}, {}} {
		if _, err := w.Create(ctx, by, person("Z", "", "")); !errors.Is(err, fault.Denied) {
			t.Errorf("%v creates: %v", by, err)
		}
	}
}

// An archived contact is out of sight but not gone: nothing new is made for it, and its address still finds it.
func TestArchivedContactsAreOutOfSight(t *testing.T) {
	w := newWorld(t)
	c := w.add(t, person("Jane Doe", "jane@example.com", ""))
	w.add(t, person("John Doe", "", ""))
	if _, err := w.Archive(ctx, owner, c.ID, 7); !errors.Is(err, fault.Stale) {
		t.Errorf("another version: %v", err)
	}
	for range 2 {
		if got, err := w.Archive(ctx, owner, c.ID, 0); err != nil || got.ArchivedAt.IsZero() || got.Version() != 2 {
			t.Fatalf("%+v %v", got, err)
		}
	}
	if got := w.all(t, "", 1); strings.Join(got, ",") != "John Doe" {
		t.Errorf("listed: %v", got)
	}
	if got := w.all(t, "doe", 1); strings.Join(got, ",") != "John Doe" {
		t.Errorf("found: %v", got)
	}
	if _, err := w.Snapshot(ctx, c.ID); !errors.Is(err, fault.Unready) {
		t.Errorf("a document for an archived contact: %v", err)
	}
	if got, err := w.Match(ctx, MatchInput{Email: "jane@example.com"}); err != nil || got.ContactID != c.ID {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := w.Restore(ctx, owner, c.ID, 2); err != nil {
		t.Fatal(err)
	}
	if got := w.all(t, "", 1); len(got) != 2 {
		t.Errorf("listed after restoring: %v", got)
	}
}

// Letters about money go to whom the company named, else to the verified address.
func TestWhereLettersGo(t *testing.T) {
	w := newWorld(t)
	firm := full()
	firm.People = append([]HumanInput{{Name: "Eva", Emails: []EmailInput{{Address: "eva@bücher.de"}}, Receives: []string{"visits"}}}, firm.People...)
	c := w.add(t, firm)
	r, err := w.Recipient(ctx, c.ID, Invoices)
	want := Recipient{ContactID: c.ID, Name: "Max Maier", Email: "max@xn--bcher-kva.de", Locale: "de-AT", TimeZone: "Europe/Vienna"}
	if diff := cmp.Diff(want, r); diff != "" || err != nil {
		t.Error(diff, err)
	}
	s, err := w.Snapshot(ctx, c.ID)
	wantS := Snapshot{
		ContactID: c.ID, Name: "Bücher & Söhne", Company: "Bücher Gruppe", Address: []string{"Hauptstr. 1", "1010 Wien", "AT"}, TaxID: "ATU12345678",
		Email: "erika@bücher.de", Phone: "030 123456", Locale: "de-AT", Currency: "EUR",
	}
	if diff := cmp.Diff(wantS, s); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if got := bestAddress([]Email{{Address: "a", Use: Shared}, {Address: "b", Use: Own}, {Address: "c", Use: Own, VerifiedAt: time.Unix(1, 0)}}); got.Address != "c" {
		t.Errorf("chose %s", got.Address)
	}
	nobody := w.add(t, person("Jane", "", ""))
	if r, err := w.Recipient(ctx, nobody.ID, Invoices); err != nil || r.Email != "" || r.Name != "Jane" {
		t.Errorf("%+v %v", r, err)
	}
}

// What is owed and what is in hand is the sum of the entries, by currency and never over currencies.
func TestBalanceOfAContact(t *testing.T) {
	w := newWorld(t)
	c := w.add(t, person("Jane", "", ""))
	for _, ps := range [][]activity.Posting{
		{{Account: activity.Receivable, Currency: "EUR", Amount: 11900}, {Account: activity.Revenue, Currency: "EUR", Amount: -11900}},
		{{Account: activity.Bank, Currency: "EUR", Amount: 20000}, {Account: activity.Receivable, Currency: "EUR", Amount: -11900}, {Account: activity.Credit, Currency: "EUR", Amount: -8100}},
		{{Account: activity.Receivable, Currency: "CHF", Amount: 500}, {Account: activity.Revenue, Currency: "CHF", Amount: -500}},
		{{Account: activity.Receivable, Currency: "USD", Amount: 5}, {Account: activity.Revenue, Currency: "USD", Amount: -5}},
		{{Account: activity.Receivable, Currency: "USD", Amount: -5}, {Account: activity.Revenue, Currency: "USD", Amount: 5}},
	} {
		post(t, w, c.ID, ps)
	}
	got, err := w.Get(ctx, c.ID)
	want := []Balance{{Currency: "CHF", Due: 500}, {Currency: "EUR", Credit: 8100}}
	if diff := cmp.Diff(want, got.Balance); diff != "" || err != nil || got.Seq() != 6 || got.Version() != 1 {
		t.Error(diff, err, got.Seq(), got.Version())
	}
	cs, _, err := w.List(ctx, Active, "", 10, "")
	if err != nil || len(cs) != 1 || len(cs[0].Balance) != 2 {
		t.Errorf("the list shows %+v %v", cs, err)
	}
}

func post(t *testing.T, w *world, contactID string, ps []activity.Posting, ops ...store.Op) {
	t.Helper()
	_, err := w.Records.Do(ctx, owner, activity.ContactChain(contactID), func(context.Context, activity.Head) (*activity.Deed, error) {
		return &activity.Deed{Kind: "test", Subject: contactID, On: "2026-01-01", Postings: ps, Ops: ops}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A contact that was merged is read as the one that remains, with the money of both.
func TestAMergedContactIsFollowed(t *testing.T) {
	w := newWorld(t)
	gone, stays := w.add(t, person("Jane", "", "")), w.add(t, person("Jane Doe", "", ""))
	for _, c := range []Contact{gone, stays} {
		post(t, w, c.ID, []activity.Posting{{Account: activity.Receivable, Currency: "EUR", Amount: 100}, {Account: activity.Revenue, Currency: "EUR", Amount: -100}})
	}
	w.merged(t, stays, gone)
	got, err := w.Get(ctx, gone.ID)
	if err != nil || got.ID != stays.ID || len(got.Balance) != 1 || got.Balance[0].Due != 200 || got.Seq() != 6 {
		t.Fatalf("%+v %v", got, err)
	}
	in := got.Input()
	in.Source = "merged"
	if got, err = w.Update(ctx, owner, stays.ID, 2, in); err != nil || got.ID != stays.ID || got.Version() != 3 || got.Seq() != 7 {
		t.Errorf("%+v %v", got, err)
	}
	if got := w.all(t, "jane", 10); len(got) != 1 {
		t.Errorf("found: %v", got)
	}
	if r, err := w.Recipient(ctx, gone.ID, Invoices); err != nil || r.ContactID != stays.ID {
		t.Errorf("%+v %v", r, err)
	}
}

// An edit that a merge comes before lands on the contact that remains, unless it names a version: that was of the record
// that is gone, whose number may by chance be the other's as well.
func TestAnEditMeetsAMerge(t *testing.T) {
	w := newWorld(t)
	gone, stays := w.add(t, person("Jane", "", "")), w.add(t, person("Jane Doe", "", ""))
	meet := func() *Service {
		s := *w.Service
		s.Records = &activity.Records{Table: &meeting{Table: w.Table, at: "C#" + gone.ID, then: func() { w.merged(t, stays, gone) }}, Now: w.Now, Entropy: w.Records.Entropy}
		return &s
	}
	in := stays.Input()
	in.Source = "edited"
	if got, err := meet().Update(ctx, owner, gone.ID, 0, in); err != nil || got.ID != stays.ID || got.Source != "edited" {
		t.Errorf("%+v %v", got, err)
	}
	if c, err := w.read(ctx, gone.ID); err != nil || c.Source != "" {
		t.Errorf("the contact that is gone was edited: %+v, %v", c, err)
	}
	in.Source = "edited again"
	for version := range int64(5) {
		if got, err := meet().Update(ctx, owner, gone.ID, version+1, in); !errors.Is(err, fault.Stale) {
			t.Errorf("version %d of another record: %+v %v", version+1, got, err)
		}
	}
}

// meeting is a table in which something happens right after the first read of a partition.
type meeting struct {
	store.Table
	at   string
	then func()
}

func (m *meeting) Get(ctx context.Context, k store.Key) (store.Item, error) {
	it, err := m.Table.Get(ctx, k)
	if k.PK == m.at && m.then != nil {
		then := m.then
		m.then = nil
		then()
	}
	return it, err
}

// A contact that does not exist is not found, whatever its id looks like.
func TestNobodyIsNotFound(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"", "ct_", "ct_00000000000000000000", "in_00000000000000000000", "ct_0000000000000000000\x00", "HEAD"} {
		if _, err := w.Get(ctx, id); !errors.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", id, err)
		}
		if _, err := w.Update(ctx, owner, id, 1, person("X", "", "")); !errors.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
}
