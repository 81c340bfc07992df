package contact

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/member"
	"onebook/internal/store/storetest"
)

func (w *world) merged(tb testing.TB, into, from Contact) Merge {
	tb.Helper()
	m, err := w.Merge(ctx, owner, into.ID, MergeInput{MergedID: from.ID})
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func (w *world) got(tb testing.TB, contactID string) Contact {
	tb.Helper()
	c, err := w.Get(ctx, contactID)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// post moves what a contact owes, as an invoice of its own does.
func (w *world) post(contactID string, n int64) error {
	_, err := w.Records.Do(ctx, owner, activity.ContactChain(contactID), func(context.Context, activity.Head) (*activity.Deed, error) {
		return &activity.Deed{Kind: "invoice.issued", On: "2026-01-01", Postings: []activity.Posting{
			{Account: activity.Receivable, Currency: "EUR", Amount: n}, {Account: activity.Revenue, Currency: "EUR", Amount: -n},
		}}, nil
	})
	return err
}

// whoIs is everything by which a contact can be found: what the guards, the pointers and the search answer.
func (w *world) whoIs(tb testing.TB, in MatchInput) string {
	tb.Helper()
	o, err := w.Match(ctx, in)
	if err != nil {
		tb.Fatal(err)
	}
	return o.ContactID
}

var web = Input{
	Name: "Jane Doe", Emails: []EmailInput{{Address: "jane@doe.example"}}, Phones: []PhoneInput{{Number: "+49 30 901820"}}, Tags: []string{"web"},
	ExternalIDs: map[string]string{"crm": "1"}, Source: "web form",
}
var call = Input{
	Name: "Jane Doe-Roe", Phones: []PhoneInput{{Number: "030 901820"}, {Number: "0171 2345678"}}, Tags: []string{"vip"},
	Emails: []EmailInput{{Address: "jane.roe@work.example"}}, ExternalIDs: map[string]string{"crm": "2", "shop": "9"}, Company: "Roe Ltd",
}

// Two records of one client become one that has what both had, found by everything by which either was found; undone, each
// is found again by its own, and both are as they were.
func TestMergeAndUndo(t *testing.T) {
	w := newWorld(t)
	a, b := w.add(t, web), w.add(t, call)
	for c, n := range map[string]int64{a.ID: 100, b.ID: 30} {
		if err := w.post(c, n); err != nil {
			t.Fatal(err)
		}
	}
	before := []Contact{w.got(t, a.ID), w.got(t, b.ID)}
	p, err := w.Preview(ctx, owner, a.ID, MergeInput{MergedID: b.ID})
	if err != nil || p.Proposed != a.ID || p.Contact.Balance[0].Due != 130 || !slices.Contains(p.Because, "same telephone number") {
		t.Errorf("%+v %v", p, err)
	}
	if diff := cmp.Diff(before, []Contact{w.got(t, a.ID), w.got(t, b.ID)}, cmp.AllowUnexported(Contact{})); diff != "" {
		t.Error("the preview changed something", diff)
	}
	w.clock.Move(time.Hour)
	m := w.merged(t, a, b)
	if again := w.merged(t, a, b); !cmp.Equal(again, m) {
		t.Errorf("merged twice: %+v, want %+v", again, m)
	}
	if _, err := w.Merge(ctx, owner, b.ID, MergeInput{MergedID: a.ID}); !errors.Is(err, fault.Unready) {
		t.Errorf("the other way round: %v", err)
	}
	one := w.got(t, b.ID)
	if one.ID != a.ID || one.Balance[0].Due != 130 || emailsText(one.Emails) != "jane@doe.example, jane.roe@work.example" ||
		phonesText(one.Phones) != "+49 30 901820 (+4930901820), 0171 2345678 (+491712345678)" || strings.Join(one.Tags, " ") != "web vip" ||
		pairs(one.ExternalIDs) != "crm: 1, shop: 9" || one.Company != "Roe Ltd" {
		t.Errorf("%+v", one)
	}
	for _, in := range []MatchInput{
		{Email: "jane@doe.example"}, {Email: "JANE.ROE@work.example"}, {ExternalID: "crm:1"}, {ExternalID: "crm:2"}, {ExternalID: "shop:9"},
		{Phone: "+491712345678", Name: "Jane Doe"},
	} {
		if got := w.whoIs(t, in); got != a.ID {
			t.Errorf("%+v is %q", in, got)
		}
	}
	if got := w.all(t, "", 10); len(got) != 1 {
		t.Errorf("the list shows %q", got)
	}
	for _, q := range []string{"roe", "01712345678", "jane.roe"} {
		if got := w.all(t, q, 10); len(got) != 1 {
			t.Errorf("%q finds %q", q, got)
		}
	}
	if _, err := w.Update(ctx, owner, b.ID, 0, one.Input()); err != nil {
		t.Errorf("an edit by the old id: %v", err)
	}
	undone, err := w.Undo(ctx, owner, m.ID, nil)
	if err != nil || undone.UndoneAt.IsZero() || len(undone.Offered) != 0 {
		t.Fatalf("%+v %v", undone, err)
	}
	if again, err := w.Undo(ctx, owner, m.ID, nil); err != nil || !cmp.Equal(again, undone) {
		t.Errorf("undone twice: %+v %v", again, err)
	}
	after := []Contact{w.got(t, a.ID), w.got(t, b.ID)}
	for i := range after {
		was, is := before[i].Input(), after[i].Input()
		if diff := cmp.Diff(was, is); diff != "" || !cmp.Equal(before[i].Balance, after[i].Balance) {
			t.Errorf("%s came back otherwise: %s", before[i].Name, diff)
		}
	}
	for in, want := range map[MatchInput]string{
		{Email: "jane@doe.example"}: a.ID, {Email: "jane.roe@work.example"}: b.ID, {ExternalID: "crm:1"}: a.ID, {ExternalID: "crm:2"}: b.ID,
		{ExternalID: "shop:9"}: b.ID, {Phone: "+491712345678", Name: "Jane Doe"}: b.ID,
	} {
		if got := w.whoIs(t, in); got != want {
			t.Errorf("%+v is %q, want %q", in, got, want)
		}
	}
	if got := w.all(t, "", 10); len(got) != 2 {
		t.Errorf("the list shows %q", got)
	}
	for _, c := range []string{a.ID, b.ID} {
		if _, err := w.Records.Verify(ctx, activity.ContactChain(c)); err != nil {
			t.Error(err)
		}
	}
	m2 := w.merged(t, b, a) // and now the other way
	if got := w.got(t, a.ID); got.ID != b.ID || m2.ID == m.ID {
		t.Errorf("%+v", got)
	}
}

// What people changed since a merge stays when it is undone; where the merge had changed it as well, both values are
// offered, and the one before is taken when it is asked for.
func TestUndoAfterLaterDeeds(t *testing.T) {
	for _, back := range [][]string{nil, {"name"}} {
		w := newWorld(t)
		a, b, other := w.add(t, web), w.add(t, call), w.add(t, person("Somebody Else", "", ""))
		w.clock.Move(time.Hour)
		m, err := w.Merge(ctx, owner, a.ID, MergeInput{MergedID: b.ID, Keep: map[string]string{"name": FromMerged}})
		if err != nil {
			t.Fatal(err)
		}
		in := w.got(t, a.ID).Input()
		in.Name, in.TaxID, in.Tags = "Jane Roe", "DE123456789", append(in.Tags, "late")
		in.Emails = []EmailInput{{Address: "jane@doe.example"}, {Address: "new@doe.example"}} // the merged one's is thrown away
		if _, err := w.Update(ctx, owner, a.ID, 0, in); err != nil {
			t.Fatal(err)
		}
		in = other.Input()
		in.Emails = []EmailInput{{Address: "jane.roe@work.example"}} // and somebody else has it now
		if _, err := w.Update(ctx, owner, other.ID, 0, in); err != nil {
			t.Fatal(err)
		}
		got, err := w.Undo(ctx, owner, m.ID, back)
		if err != nil {
			t.Fatal(err)
		}
		x, y := w.got(t, a.ID), w.got(t, b.ID)
		wantName, wantOffered := "Jane Roe", []Restore{{Field: "name", Before: "Jane Doe", Now: "Jane Roe"}}
		if back != nil {
			wantName, wantOffered = "Jane Doe", nil
		}
		if x.Name != wantName || !cmp.Equal(got.Offered, wantOffered) && len(got.Offered)+len(wantOffered) > 0 {
			t.Errorf("%q, offered %+v", x.Name, got.Offered)
		}
		if x.TaxID != "DE123456789" || x.Company != "" || strings.Join(x.Tags, " ") != "web late" || emailsText(x.Emails) != "jane@doe.example, new@doe.example" {
			t.Errorf("%+v", x)
		}
		if y.Name != "Jane Doe-Roe" || y.Company != "Roe Ltd" || emailsText(y.Emails) != "jane.roe@work.example (shared)" {
			t.Errorf("%+v", y)
		}
		if who := w.whoIs(t, MatchInput{Email: "jane.roe@work.example"}); who != other.ID {
			t.Errorf("the address is %q's", who)
		}
	}
}

// Merges in a row are flat: every id leads to the last survivor in one step. They are undone from the last one back, and
// one that is neither the last nor of the same contact stays.
func TestMergesInARow(t *testing.T) {
	w := newWorld(t)
	a, b, c, d := w.add(t, person("A One", "a@x.example", "")), w.add(t, person("B Two", "b@x.example", "")), w.add(t, person("C Three", "c@x.example", "")), w.add(t, person("D Four", "d@x.example", ""))
	for i, x := range []Contact{a, b, c, d} {
		if err := w.post(x.ID, int64(1)<<(4*i)); err != nil {
			t.Fatal(err)
		}
	}
	ab := w.merged(t, b, a)
	bc := w.merged(t, c, b)
	dc := w.merged(t, c, d)
	for _, x := range []Contact{a, b, c, d} {
		if got := w.got(t, x.ID); got.ID != c.ID || got.Balance[0].Due != 0x1111 {
			t.Errorf("%s: %+v", x.Name, got)
		}
		if who := w.whoIs(t, MatchInput{Email: x.Emails[0].Address}); who != c.ID {
			t.Errorf("%s is found as %s", x.Name, who)
		}
	}
	if _, err := w.Merge(ctx, owner, d.ID, MergeInput{MergedID: a.ID}); !errors.Is(err, fault.Unready) {
		t.Errorf("two members of one contact: %v", err)
	}
	if _, err := w.Undo(ctx, owner, ab.ID, nil); !errors.Is(err, fault.Unready) {
		t.Errorf("the inner one is undone first: %v", err)
	}
	if _, err := w.Undo(ctx, owner, bc.ID, nil); err != nil { // not the last one of c
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, x := range []Contact{a, b, c, d} {
		y := w.got(t, x.ID)
		got[x.Name] = fmt.Sprintf("%s %x", y.Name, y.Balance[0].Due)
	}
	if diff := cmp.Diff(map[string]string{"A One": "B Two 11", "B Two": "B Two 11", "C Three": "C Three 1100", "D Four": "C Three 1100"}, got); diff != "" {
		t.Error(diff)
	}
	for _, m := range []Merge{dc, ab} {
		if _, err := w.Undo(ctx, owner, m.ID, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range []Contact{a, b, c, d} {
		if got := w.got(t, x.ID); got.ID != x.ID || !cmp.Equal(got.Input(), x.Input()) {
			t.Errorf("%+v", got)
		}
	}
}

// What cannot be merged is refused with nothing written.
func TestWhatIsNotMerged(t *testing.T) {
	w := newWorld(t)
	a, b := w.add(t, person("A One", "", "")), w.add(t, person("B Two", "", ""))
	firm := w.add(t, Input{Kind: Company, Name: "A One Ltd"})
	gone := w.add(t, person("Gone", "", ""))
	if _, err := w.Archive(ctx, owner, gone.ID, 0); err != nil {
		t.Fatal(err)
	}
	n := w.changes(t, "")
	for what, do := range map[string]struct {
		by       activity.By
		into     string
		in       MergeInput
		expected fault.Kind
	}{
		"itself":           {owner, a.ID, MergeInput{MergedID: a.ID}, fault.Invalid},
		"nobody":           {owner, a.ID, MergeInput{MergedID: "ct_00000000000000000000"}, fault.Invalid},
		"into nobody":      {owner, "ct_00000000000000000000", MergeInput{MergedID: a.ID}, fault.NotFound},
		"no id":            {owner, a.ID, MergeInput{MergedID: "x"}, fault.Invalid},
		"an archived one":  {owner, a.ID, MergeInput{MergedID: gone.ID}, fault.Unready},
		"into an archived": {owner, gone.ID, MergeInput{MergedID: a.ID}, fault.Unready},
		"two kinds":        {owner, a.ID, MergeInput{MergedID: firm.ID}, fault.Unready},
		"a list chosen":    {owner, a.ID, MergeInput{MergedID: b.ID, Keep: map[string]string{"emails": FromMerged}}, fault.Invalid},
		"by sales":         {as(member.Sales), a.ID, MergeInput{MergedID: b.ID}, fault.Denied},
		"by billing":       {as(member.Billing), a.ID, MergeInput{MergedID: b.ID}, fault.Denied},
	} {
		_, err := w.Merge(ctx, do.by, do.into, do.in)
		if fault.KindOf(err) != do.expected {
			t.Errorf("%s: %v", what, err)
		}
	}
	if m := w.changes(t, ""); m != n {
		t.Errorf("%d items were written", m-n)
	}
	m := w.merged(t, a, b)
	if _, err := w.Undo(ctx, as(member.Sales), m.ID, nil); !errors.Is(err, fault.Denied) {
		t.Error(err)
	}
	w.clock.Move(UndoFor - time.Second)
	if _, err := w.Undo(ctx, owner, "mg_"+strings.Repeat("0", 40), nil); !errors.Is(err, fault.NotFound) {
		t.Error(err)
	}
	w.clock.Move(time.Second)
	if _, err := w.Undo(ctx, owner, m.ID, nil); !errors.Is(err, fault.Unready) {
		t.Errorf("after its time: %v", err)
	}
}

// At most MaxMembers contacts are merged into one, those of its members included; large records fit into one write.
func TestHowManyAreMerged(t *testing.T) {
	w := newWorld(t)
	top := w.add(t, person("Top", "", ""))
	for i := range MaxMembers - 1 {
		w.merged(t, top, w.add(t, person(fmt.Sprintf("N%d", i), "", "")))
	}
	last, more := w.add(t, person("Last", "", "")), w.add(t, person("More", "", ""))
	w.merged(t, last, more)
	if _, err := w.Merge(ctx, owner, top.ID, MergeInput{MergedID: last.ID}); !errors.Is(err, fault.Unready) {
		t.Errorf("%d members: %v", MaxMembers+1, err)
	}
	w.merged(t, top, w.add(t, person("Fits", "", "")))
	// And the whole of it into another: each head is tied anew.
	other := w.add(t, person("Other", "", ""))
	if _, err := w.Merge(ctx, owner, other.ID, MergeInput{MergedID: top.ID}); !errors.Is(err, fault.Unready) {
		t.Errorf("%d members: %v", MaxMembers+1, err)
	}
	big := func(tag string) Input {
		in := Input{Kind: Company, Name: "Firm " + tag}
		for i := range 8 {
			in.People = append(in.People, HumanInput{Name: fmt.Sprintf("P%s%d Q%s%d", tag, i, tag, i), Emails: []EmailInput{{Address: fmt.Sprintf("p%d@%s.example", i, tag)}}})
		}
		return in
	}
	x, y := w.add(t, big("a")), w.add(t, big("b"))
	m := w.merged(t, x, y)
	if got := w.got(t, y.ID); len(got.People) != 16 {
		t.Errorf("%d people", len(got.People))
	}
	if _, err := w.Undo(ctx, owner, m.ID, nil); err != nil {
		t.Fatal(err)
	}
	if got := w.all(t, "pb3", 10); !slices.Equal(got, []string{"Firm b"}) {
		t.Errorf("found %q", got)
	}
	if got := w.all(t, "pa3", 10); !slices.Equal(got, []string{"Firm a"}) {
		t.Errorf("found %q", got)
	}
}

// A story of several contacts is one, newest first, and its pages show each entry exactly once.
func TestTheStoryOfAllMembers(t *testing.T) {
	w := newWorld(t)
	a, b := w.add(t, person("A One", "", "")), w.add(t, person("B Two", "", ""))
	for i := range 7 {
		w.clock.Move(time.Minute)
		if err := w.post([]string{a.ID, b.ID}[i%2], 1); err != nil {
			t.Fatal(err)
		}
	}
	w.clock.Move(time.Minute)
	w.merged(t, a, b)
	for limit := 1; limit < 13; limit++ {
		var all []Event
		for cursor := ""; ; {
			es, next, err := w.Timeline(ctx, b.ID, limit, cursor)
			if err != nil || len(es) > limit {
				t.Fatal(len(es), err)
			}
			all = append(all, es...)
			if cursor = next; cursor == "" {
				break
			}
		}
		ids := map[string]bool{}
		for i, e := range all {
			ids[e.ID] = true
			if i > 0 && e.At.After(all[i-1].At) {
				t.Errorf("limit %d: %s before %s", limit, all[i-1].At, e.At)
			}
		}
		if len(all) != 11 || len(ids) != 11 {
			t.Errorf("limit %d: %d entries, %d of them different", limit, len(all), len(ids))
		}
	}
	if _, _, err := w.Timeline(ctx, a.ID, 1, "nonsense"); err == nil {
		t.Error("a cursor of nothing was taken")
	}
}

// Whoever merges and undoes what and whenever, while money moves: no id leads in a circle or nowhere, nothing that is owed
// is lost or doubled, every address names exactly one contact, and every history verifies.
func TestMergesAtOneMoment(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		const n = 5
		cs := make([]Contact, n)
		for i := range cs {
			cs[i] = w.add(t, person(fmt.Sprintf("Name%d Family%d", i, i), fmt.Sprintf("c%d@x.example", i), ""))
		}
		for range rapid.IntRange(1, 3).Draw(rt, "rounds") {
			var wg sync.WaitGroup
			start := make(chan struct{})
			for range 8 {
				into, from := rapid.IntRange(0, n-1).Draw(rt, "into"), rapid.IntRange(0, n-1).Draw(rt, "from")
				deed := rapid.SampledFrom([]string{"merge", "merge", "undo", "post", "edit"}).Draw(rt, "deed")
				wg.Add(1)
				go func() {
					defer wg.Done()
					<-start
					var err error
					switch deed {
					case "merge":
						_, err = w.Merge(ctx, owner, cs[into].ID, MergeInput{MergedID: cs[from].ID})
					case "post":
						for _, x := range []struct {
							c string
							n int64
						}{{cs[into].ID, 1}, {cs[from].ID, -1}} {
							for err = w.post(x.c, x.n); errors.Is(err, fault.Busy); {
								err = w.post(x.c, x.n)
							}
						}
					case "edit":
						var c Contact
						if c, err = w.Get(ctx, cs[from].ID); err == nil {
							in := c.Input()
							in.Source = fmt.Sprint("edited ", from)
							_, err = w.Update(ctx, owner, c.ID, c.Version(), in)
						}
					case "undo":
						var ms []Merge
						if ms, err = w.Merges(ctx, cs[into].ID); err == nil && len(ms) > 0 {
							_, err = w.Undo(ctx, owner, ms[0].ID, nil)
						}
					}
					if k := fault.KindOf(err); err != nil && k != fault.Unready && k != fault.Invalid && k != fault.Busy && k != fault.Stale {
						rt.Errorf("%s: %v", deed, err)
					}
				}()
			}
			close(start)
			wg.Wait()
			var due int64
			seen := map[string]bool{}
			for i, c := range cs {
				h, err := w.Records.Head(ctx, activity.ContactChain(c.ID))
				if err != nil {
					rt.Fatal(err)
				}
				due += h.Balances["EUR"].Due
				if h.MergedInto == c.ID || h.MergedInto != "" && len(h.Members) > 0 {
					rt.Fatalf("%d leads to %s and has %v", i, h.MergedInto, h.Members)
				}
				one := w.got(t, c.ID)
				top, err := w.Records.Head(ctx, activity.ContactChain(one.ID))
				if err != nil || top.MergedInto != "" {
					rt.Fatalf("%d leads on: %+v %v", i, top, err)
				}
				if one.ID != c.ID && !slices.Contains(top.Members, c.ID) {
					rt.Fatalf("%d leads to one that does not know it: %v", i, top.Members)
				}
				for _, m := range top.Members {
					mh, err := w.Records.Head(ctx, activity.ContactChain(m))
					if err != nil || mh.MergedInto != one.ID {
						rt.Fatalf("a member of %s leads to %q %v", one.ID, mh.MergedInto, err)
					}
				}
				if who := w.whoIs(t, MatchInput{Email: c.Emails[0].Address}); who != one.ID {
					rt.Fatalf("the address of %d is %s's, and it is %s", i, who, one.ID)
				}
				if k := keysOf(&one); !slices.Contains(k, c.Emails[0].Key) {
					rt.Fatalf("%d: %v", i, k)
				}
				if _, err := w.Records.Verify(ctx, activity.ContactChain(c.ID)); err != nil {
					rt.Fatal(err)
				}
				seen[one.ID] = true
			}
			if due != 0 {
				rt.Fatalf("%d is owed more", due)
			}
			if got := w.all(t, "", 2); len(got) != len(seen) {
				rt.Fatalf("%d contacts are listed, %d are there", len(got), len(seen))
			}
		}
	})
}

// A merge whose answer is lost, or that other writes keep from committing, is done once; so is its undoing.
func TestAMergeIsDoneOnce(t *testing.T) {
	w := newWorld(t)
	h := storetest.OpenEmbedded(t, w.clock.Now)
	w.Table, w.Records = h.Table, &activity.Records{Table: h.Table, Now: w.clock.Now, Entropy: w.Records.Entropy}
	a, b := w.add(t, web), w.add(t, call)
	h.Conflict(3)
	h.LoseAnswer(func() {
		if err := w.post(b.ID, 7); err != nil {
			t.Error(err)
		}
	})
	m := w.merged(t, a, b)
	h.LoseAnswer(func() {
		if err := w.post(a.ID, 5); err != nil {
			t.Error(err)
		}
	})
	if _, err := w.Undo(ctx, owner, m.ID, nil); err != nil {
		t.Fatal(err)
	}
	for c, want := range map[string]string{a.ID: "contact.created contact.merged contact.unmerged invoice.issued", b.ID: "contact.created contact.merged invoice.issued contact.unmerged"} {
		es, _, err := w.Records.Timeline(ctx, activity.ContactChain(c), 0, "")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range es {
			got = append(got, e.Kind)
		}
		slices.Reverse(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%v", got)
		}
	}
}
