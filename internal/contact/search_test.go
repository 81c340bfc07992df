package contact

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onebook/internal/fault"
	"onebook/internal/find"
)

// A contact is found by the beginning of whatever a person remembers of it.
func TestFoundByWhatOneRemembers(t *testing.T) {
	w := newWorld(t)
	w.add(t, Input{
		Name: "Jane O'Brien-Smith", Company: "24 Seven Plumbing", Emails: []EmailInput{{Address: "Jane.Doe@BÜCHER.de"}},
		Phones: []PhoneInput{{Number: "030 123456"}, {Number: "555-1"}},
	})
	w.add(t, Input{Kind: Company, Name: "Żak sp. z o.o.", People: []HumanInput{{Name: "Łukasz Żak", Emails: []EmailInput{{Address: "lz@zak.pl"}}, Phones: []PhoneInput{{Number: "+48 22 123 45 67"}}}}})
	w.add(t, person("李明", "", ""))
	for query, want := range map[string]string{
		"jane": "Jane O'Brien-Smith", "JANE": "Jane O'Brien-Smith", "ja": "Jane O'Brien-Smith", "obrien": "Jane O'Brien-Smith", "O'Bri": "Jane O'Brien-Smith",
		"O’Brien": "Jane O'Brien-Smith", "smith jane": "Jane O'Brien-Smith", "jane.doe": "Jane O'Brien-Smith", "jane.doe@b": "Jane O'Brien-Smith",
		"jane.doe@bücher.de": "Jane O'Brien-Smith", "jane.doe@xn--bcher-kva": "Jane O'Brien-Smith", "plumb": "Jane O'Brien-Smith", "24": "Jane O'Brien-Smith",
		"030 12": "Jane O'Brien-Smith", "+49 30 123-456": "Jane O'Brien-Smith", "4930123": "Jane O'Brien-Smith", "5551": "Jane O'Brien-Smith", "(jane)": "Jane O'Brien-Smith",
		"lukasz zak": "Żak sp. z o.o.", "Żak": "Żak sp. z o.o.", "lz@": "Żak sp. z o.o.", "022 123 45": "", "22 123 45 67": "Żak sp. z o.o.", "李": "", "李明": "李明",
		"doe": "", "brien": "", "jane zak": "", "nobody": "", "!!!": "", "@": "", "123456": "", "jane plumber": "",
	} {
		for _, limit := range []int{1, 50} {
			if got := strings.Join(w.all(t, query, limit), ","); got != want {
				t.Errorf("%q finds %q, want %q", query, got, want)
			}
		}
	}
	// An umlaut is found with and without its dots, whoever typed it.
	w.add(t, person("Jörg Müller", "", ""))
	for _, q := range []string{"jorg", "jörg", "MULLER", "müller"} {
		if got := w.all(t, q, 10); len(got) != 1 {
			t.Errorf("%q finds %v", q, got)
		}
	}
	// Two single letters are still words.
	w.add(t, person("J D", "", ""))
	if got := w.all(t, "j", 10); len(got) != 1 {
		t.Errorf("j finds %v", got)
	}
}

// All contacts are listed, the newest first, each exactly once, however small the pages are.
func TestListedNewestFirst(t *testing.T) {
	w := newWorld(t)
	var want []string
	for i := range 30 {
		w.clock.Move(time.Second)
		want = append(want, w.add(t, person(fmt.Sprintf("Contact %02d", i), "", "")).Name)
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 7, 30, 0} {
		if got := w.all(t, " ", limit); !slices.Equal(got, want) {
			t.Errorf("pages of %d: %v", limit, got)
		}
	}
	if got := w.all(t, "contact", 4); len(got) != 30 {
		t.Errorf("a search by 4 finds %d", len(got))
	}
	_, cursor, err := w.List(ctx, Active, "", 3, "")
	if err != nil || cursor == "" {
		t.Fatal(err)
	}
	if _, _, err := w.List(ctx, Active, "contact", 3, cursor); !errors.Is(err, fault.Invalid) {
		t.Errorf("a cursor of another listing: %v", err)
	}
}

// Whatever a contact is changed into: it is found by each of its terms of now, exactly once, and by none it no longer
// has. The index holds what the contact says, nothing else.
func TestSearchKnowsWhatIsAndForgetsWhatWas(t *testing.T) {
	w := newWorld(t)
	word := rapid.SampledFrom([]string{"Ann", "Anna", "annabel", "Müller", "mueller", "O'Brien", "Straße", "x", "李明", "24", "Ⅷ", "İnci", "a-b"})
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		draw := func(label string) Input {
			in := Input{Kind: Person, Name: fmt.Sprintf("n%d %s", n, strings.Join(rapid.SliceOfN(word, 0, 3).Draw(rt, label), " "))}
			in.Company = word.Draw(rt, "company")
			for i := range rapid.IntRange(0, 2).Draw(rt, "emails") {
				local := rapid.SampledFrom([]string{"a", "A.b", "_x", "jörg", "o'b", "a+t", "info"}).Draw(rt, "local")
				in.Emails = append(in.Emails, EmailInput{Address: fmt.Sprintf("%s%d%d@example.com", local, n, i), Use: rapid.SampledFrom([]string{"", Own, Shared}).Draw(rt, "use")})
			}
			if rapid.Bool().Draw(rt, "phone") {
				in.Phones = []PhoneInput{{Number: rapid.SampledFrom([]string{"030 ", "+43 1 ", "12"}).Draw(rt, "code") + fmt.Sprint(5320000+n)}}
			}
			return in
		}
		c, err := w.Create(ctx, owner, draw("first"))
		if err != nil {
			rt.Fatal(err)
		}
		was := c.terms()
		for range rapid.IntRange(0, 2).Draw(rt, "edits") {
			if c, err = w.Update(ctx, owner, c.ID, c.Version(), draw("next")); err != nil {
				rt.Fatal(err)
			}
		}
		found := func(term string) int {
			hits := 0
			for cursor := ""; ; {
				cs, next, err := w.List(ctx, Active, term, 3, cursor)
				if err != nil {
					rt.Fatal(err)
				}
				for _, x := range cs {
					if x.ID == c.ID {
						hits++
					}
				}
				if cursor = next; cursor == "" {
					return hits
				}
			}
		}
		terms := c.terms()
		for _, term := range terms {
			if len([]rune(term)) > 1 && found(term) != 1 {
				rt.Fatalf("%+v is found %d times by %q", c.Input(), found(term), term)
			}
		}
		for _, term := range was {
			if !begins(terms, term) && found(term) != 0 {
				rt.Fatalf("%+v is still found by %q", c.Input(), term)
			}
		}
	})
	// What stands in the index is exactly what the contacts say.
	var want, have []string
	for cursor := ""; ; {
		cs, next, err := w.List(ctx, Active, "", 200, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cs {
			for k := range c.pointers() {
				want = append(want, k.PK+" "+k.SK)
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	live := map[string]bool{}
	for after := uint64(0); ; {
		changes, err := w.table.Changes(ctx, after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(changes) == 0 {
			break
		}
		for _, ch := range changes {
			after = ch.Seq
			it := ch.New
			if it == nil {
				it = ch.Old
			}
			if it.Kind == find.ItemKind || it.Kind == GuardKind || it.Kind == PointerKind {
				live[it.PK+" "+it.SK] = ch.New != nil
			}
		}
	}
	for k, is := range live {
		if is {
			have = append(have, k)
		}
	}
	sort.Strings(want)
	sort.Strings(have)
	if !slices.Equal(want, have) {
		t.Errorf("the index holds %d entries, the contacts say %d", len(have), len(want))
	}
}

// An item whose terms were written by older code can still be edited.
func TestOlderTermsDoNotLockAContact(t *testing.T) {
	w := newWorld(t)
	c := w.add(t, person("Jane Doe", "jane@example.com", ""))
	// Older code knew no term "doe" and already had one that a new name will need.
	gone, err := w.Table.Get(ctx, find.Key("doe", find.Contact, c.ID))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Table.Write(ctx, deleteOf(gone), putTerm("roe", c.ID)); err != nil {
		t.Fatal(err)
	}
	in := c.Input()
	in.Name = "Jane Roe"
	if _, err := w.Update(ctx, owner, c.ID, 1, in); err != nil {
		t.Fatal(err)
	}
	if got := w.all(t, "roe", 10); len(got) != 1 {
		t.Errorf("found %v", got)
	}
}

// A company with more people than one write can index is refused in words, and so is a change of too many at once.
func TestTooMuchForOneWrite(t *testing.T) {
	w := newWorld(t)
	many := func(n int, tag string) []HumanInput {
		var out []HumanInput
		for i := range n {
			out = append(out, HumanInput{Name: fmt.Sprintf("%s%d Last%s%d", tag, i, tag, i), Emails: []EmailInput{{Address: fmt.Sprintf("%s%d@example.com", tag, i)}}})
		}
		return out
	}
	if _, err := w.Create(ctx, owner, Input{Kind: Company, Name: "Firm", People: many(20, "p")}); err != nil {
		t.Errorf("20 people with an address each: %v", err)
	}
	big := many(20, "q")
	for i := range big {
		big[i].Phones = []PhoneInput{{Number: fmt.Sprintf("030 5320%03d", i)}}
	}
	if _, err := w.Create(ctx, owner, Input{Kind: Company, Name: "Firm", People: big}); wrongFields(err) != "people" {
		t.Errorf("too much to index: %v", err)
	}
	c := w.add(t, Input{Kind: Company, Name: "Firm", People: many(15, "r")})
	in := c.Input()
	in.People = many(15, "s")
	if _, err := w.Update(ctx, owner, c.ID, 1, in); wrongFields(err) != "people" {
		t.Errorf("everybody replaced at once: %v", err)
	}
	in.People = append(c.Input().People[:8], many(7, "s")...)
	if _, err := w.Update(ctx, owner, c.ID, 1, in); err != nil {
		t.Errorf("half of them: %v", err)
	}
}
