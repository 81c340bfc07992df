package contact

import (
	"errors"
	"math"
	"onebook/internal/find"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"onebook/internal/fault"
	"onebook/internal/vectors"
)

// A form takes exactly the addresses that isemail's tests call acceptable (Dominic Sayers' isemail, BSD-3).
func TestFormTakesWhatCanReceiveMail(t *testing.T) {
	var v struct {
		Syntax struct {
			Cases []struct {
				ID, Address, Diagnosis string
				Accept                 bool `json:"accept_in_a_crm_form"`
			}
		}
	}
	vectors.Load(t, "email_vectors.json", &v)
	if len(v.Syntax.Cases) < 80 {
		t.Fatalf("only %d cases", len(v.Syntax.Cases))
	}
	for _, c := range v.Syntax.Cases {
		err := Acceptable(c.Address)
		if (err == nil) != c.Accept {
			t.Errorf("%s %q (%s): accepted %v, want %v: %v", c.ID, c.Address, c.Diagnosis, err == nil, c.Accept, err)
		}
		if err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v is no Invalid", c.ID, err)
		}
		if c.Accept {
			if _, _, err := Key(c.Address); err != nil {
				t.Errorf("%s %q is accepted but has no key: %v", c.ID, c.Address, err)
			}
		}
	}
}

func TestKeysOfTheVectors(t *testing.T) {
	var v struct {
		Normalisation struct {
			Cases []struct {
				ID, Input, Why string
				MatchKey       string `json:"match_key"`
				ReviewKey      string `json:"review_key"`
			}
		}
	}
	vectors.Load(t, "email_vectors.json", &v)
	if len(v.Normalisation.Cases) < 30 {
		t.Fatalf("only %d cases", len(v.Normalisation.Cases))
	}
	for _, c := range v.Normalisation.Cases {
		key, review, err := Key(c.Input)
		if key != c.MatchKey || review != c.ReviewKey || (err == nil) != (c.MatchKey != "") {
			t.Errorf("%s %q (%s): %q %q %v, want %q %q", c.ID, c.Input, c.Why, key, review, err, c.MatchKey, c.ReviewKey)
		}
	}
}

// What two people type for one mailbox is one key; what only looks alike is not.
func TestOneMailboxIsOneKey(t *testing.T) {
	same := [][]string{
		{"Jane.Doe@Example.COM", " jane.doe@example.com\t", `"Doe, Jane" <jane.doe@example.com>`, "mailto:Jane.Doe@example.com?subject=hi", "jane.doe@example.com.", "jane\u200b.doe@example.com", "ＪＡＮＥ.doe＠example。com", `"jane.doe"@example.com`},
		{"jane@bücher.de", "JANE@BÜCHER.DE", "jane@xn--bcher-kva.de", "jane@bu\u0308cher.de"},
		{"ΟΔΟΣ@example.gr", "οδος@example.gr"},
	}
	for _, group := range same {
		want, _, err := Key(group[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range group {
			if got, _, err := Key(s); got != want || err != nil {
				t.Errorf("%q has the key %q (%v), want %q", s, got, err, want)
			}
		}
	}
	for _, pair := range [][2]string{
		{"j.doe@company.com", "jdoe@company.com"}, {"jane@gmail.com", "j.ane@gmail.com"}, {"jane+a@gmail.com", "jane@gmail.com"},
		{"jane@gmail.com", "jane@googlemail.com"}, {"müller@example.com", "muller@example.com"}, {"strasse@x.de", "straße@x.de"},
		{"jane@straße.de", "jane@strasse.de"},
	} {
		a, _, _ := Key(pair[0])
		b, _, _ := Key(pair[1])
		if a == "" || a == b {
			t.Errorf("%q and %q share the key %q", pair[0], pair[1], a)
		}
	}
}

func TestRoleAddressesAreNobodysOwn(t *testing.T) {
	for s, want := range map[string]bool{
		"info@example.com": true, "Info+web@example.com": true, "no-reply@example.com": true, "buchhaltung@example.de": true, "test@test.com": true,
		"informatics@example.com": false, "jane.info@example.com": false, "test@company.com": false,
	} {
		key, _, err := Key(s)
		if err != nil || impersonal(key) != want {
			t.Errorf("%s: impersonal %v (%v), want %v", s, impersonal(key), err, want)
		}
	}
}

// A key is its own key, plain enough to be stored, and never longer than an address can be.
func FuzzKey(f *testing.F) {
	for _, s := range []string{"jane@example.com", "İ@x.de", "ΑΣ@x.gr", `"a b\"c"@x.de`, "a@ⅷ.com", "ﬃ@x.com", "a@\u200dx.com", "mailto:%41@x.com", "<a@b.c>", "a@xn--a.de"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key, review, err := Key(s)
		if err != nil {
			if key != "" || review != "" || !errors.Is(err, fault.Invalid) {
				t.Fatalf("%q: %q %q %v", s, key, review, err)
			}
			return
		}
		if again, r, err := Key(key); again != key || r != review || err != nil {
			t.Fatalf("%q has the key %q, which has the key %q (%q %q, %v)", s, key, again, review, r, err)
		}
		if len(key) > maxAddress || !utf8.ValidString(key) || strings.ContainsAny(key, "\x00\r\n\t") {
			t.Fatalf("%q has the key %q", s, key)
		}
	})
}

func TestNameGate(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"Jane Doe", "doe, JANE", true},
		{"José Müller", "Jose Muller", true},
		{"Łukasz Żak", "Lukasz Zak", true},
		{"O'Brien Sean", "Sean OBrien", true},
		{"Jon Smith", "John Smith", true},
		{"Jane Doe", "John Smith", false},
		{"Anna Kowalska", "Piotr Kowalski", false},
		{"", "", false},
		{"Jane Doe", "", false},
		{"...", "...", false},
	} {
		if got := SameName(c.a, c.b); got != c.want {
			t.Errorf("%q and %q: %v, want %v (%.3f)", c.a, c.b, got, c.want, similarity(sorted(c.a), sorted(c.b)))
		}
	}
}

// The published examples of Jaro–Winkler (Winkler 1990, and the Census Bureau's tables).
func TestSimilarity(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want float64
	}{{"martha", "marhta", 0.961}, {"dixon", "dicksonx", 0.813}, {"dwayne", "duane", 0.840}, {"jones", "johnson", 0.832}, {"abc", "xyz", 0}, {"x", "x", 1}} {
		if got := similarity(c.a, c.b); math.Abs(got-c.want) > 0.0006 {
			t.Errorf("%s %s: %.4f, want %.3f", c.a, c.b, got, c.want)
		}
	}
}

func TestNamesAreComparedBothWays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		if SameName(a, b) != SameName(b, a) {
			t.Fatalf("%q and %q differ by order", a, b)
		}
		if f := find.Fold(a); find.Fold(f) != f {
			t.Fatalf("%q folds to %q and then to %q", a, f, find.Fold(f))
		}
		if w := nameWords(a); len(w) > 0 && !SameName(a, a) {
			t.Fatalf("%q is not like itself", a)
		}
	})
}
