package id

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"onebook/internal/fault"

	"pgregory.net/rapid"
)

// noise is entropy that is the same in every run.
type noise struct{ n uint64 }

func (r *noise) Read(p []byte) (int, error) {
	for i := 0; i < len(p); {
		r.n++
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, r.n))
		i += copy(p[i:], sum[:])
	}
	return len(p), nil
}

func source(now *time.Time) Source {
	return Source{Now: func() time.Time { return *now }, Entropy: &noise{}}
}

// Things made later sort later, so a partition's listing is in the order of making.
func TestIdsSortByTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.UnixMilli(rapid.Int64Range(0, 1<<47).Draw(t, "now"))
		s := source(&now)
		contact := s.New("ct")
		first, firstOf := s.New("ev"), s.Of("in", contact)
		now = now.Add(time.Duration(rapid.Int64Range(1, 1e12).Draw(t, "milliseconds")) * time.Millisecond)
		if second, secondOf := s.New("ev"), s.Of("in", contact); first >= second || firstOf >= secondOf {
			t.Fatalf("%s before %s, %s before %s", first, second, firstOf, secondOf)
		}
	})
}

// What a moment and a name from outside decide is the same each time, belongs to its contact, and sorts by the moment.
func TestNamed(t *testing.T) {
	now := time.UnixMilli(1767225600000)
	s := source(&now)
	contact := s.New("ct")
	a := Named("ms", contact, now, "mail-1")
	if of, err := Contact("ms", a); err != nil || of != contact || a != Named("ms", contact, now, "mail-1") || a == Named("ms", contact, now, "mail-2") {
		t.Errorf("%s of %s, %v", a, of, err)
	}
	if later := Named("ms", contact, now.Add(time.Millisecond), "mail-0"); later <= a || a[:32] != s.Of("ms", contact)[:32] {
		t.Errorf("%s, then %s", a, later)
	}
}

// Two things made in one millisecond are two things.
func TestIdsAreUnique(t *testing.T) {
	now := time.UnixMilli(1767225600000)
	s := source(&now)
	seen := map[string]bool{}
	for range 20000 {
		x := s.New("ct")
		if seen[x] {
			t.Fatalf("%s was made twice", x)
		}
		seen[x] = true
	}
}

// The id of an invoice is enough to find whose it is; nothing else passes for it.
func TestIdsHoldTheirContact(t *testing.T) {
	now := time.UnixMilli(1767225600000)
	s := source(&now)
	contact := s.New("ct")
	if err := Check("ct", contact); err != nil || len(contact) != len("ct_")+partLen {
		t.Fatalf("%s: %v", contact, err)
	}
	invoice := s.Of("in", contact)
	if got, err := Contact("in", invoice); err != nil || got != contact {
		t.Errorf("%s belongs to %s, %v; want %s", invoice, got, err, contact)
	}
	if !strings.HasPrefix(invoice, "in_"+body(contact)) || s.Of("in", contact) == invoice {
		t.Errorf("%s does not begin with %s, or was made twice", invoice, contact)
	}
	for _, bad := range []string{"", "in", "in_", "_", invoice[3:], invoice[:len(invoice)-1], invoice + "0", strings.ToUpper(invoice), contact,
		"in_" + body(contact), "py_" + body(invoice), "in__" + body(invoice), " " + invoice, invoice + " ", "in_" + strings.Repeat("o", 40),
		"in_" + strings.Repeat("u", 40), "in_" + strings.Repeat("é", 20), "in_" + body(contact) + strings.Repeat("#", 20)} {
		if got, err := Contact("in", bad); !errors.Is(err, fault.NotFound) || got != "" {
			t.Errorf("Contact(%q) = %q, %v; want NotFound", bad, got, err)
		}
	}
	for _, bad := range []string{"", "ct", "ct_", invoice, "in_" + body(contact), contact + "0", contact[:len(contact)-1], strings.ToUpper(contact), "ct_#" + contact[4:]} {
		if err := Check("ct", bad); !errors.Is(err, fault.NotFound) {
			t.Errorf("Check(%q) = %v; want NotFound", bad, err)
		}
	}
}

// Ids stand in keys beside # and in links: they hold lower-case letters and digits, and none that look alike.
func TestIdsAreHarmless(t *testing.T) {
	now := time.UnixMilli(1<<48 - 1)
	s := source(&now)
	for range 2000 {
		for _, r := range body(s.Of("in", s.New("ct"))) {
			if !strings.ContainsRune("0123456789abcdefghjkmnpqrstvwxyz", r) {
				t.Fatalf("%q in an id", r)
			}
		}
	}
}

// Whatever a stranger sends as an id is found to be one, or answered as not found in a short and printable message.
func FuzzContact(f *testing.F) {
	now := time.UnixMilli(1767225600000)
	s := source(&now)
	contact := s.New("ct")
	for _, x := range []string{contact, s.Of("in", contact), "in_", "in_\xff\xfe", "in_" + strings.Repeat("0", 40), strings.Repeat("ab\x00", 500), "in_\n" + strings.Repeat("z", 39)} {
		f.Add(x)
	}
	f.Fuzz(func(t *testing.T, x string) {
		got, err := Contact("in", x)
		if err == nil {
			if !strings.HasPrefix(x, "in_"+body(got)) || Check("ct", got) != nil || len(x) != len("in_")+2*partLen {
				t.Fatalf("%q belongs to %q", x, got)
			}
		} else if !errors.Is(err, fault.NotFound) || len(err.Error()) > 1000 || strings.ContainsAny(err.Error(), "\x00\n\r") {
			t.Fatalf("%q: %v", x, err)
		}
		if err := Check("ct", x); err == nil && (len(x) != len("ct_")+partLen || x[:3] != "ct_") {
			t.Fatalf("%q passes for a contact", x)
		}
		if n := Shard(x, 16); n < 0 || n > 15 {
			t.Fatalf("%q lies in shard %d", x, n)
		}
	})
}

// Contacts spread evenly over the partitions of an index, also those made in one burst, and a contact and all that
// is its own lie together.
func TestShardsSpread(t *testing.T) {
	now := time.UnixMilli(1767225600000)
	s := source(&now)
	const n, per = 16, 1000
	count := make([]int, n)
	for i := range n * per {
		if i%100 == 0 {
			now = now.Add(time.Millisecond)
		}
		contact := s.New("ct")
		shard := Shard(contact, n)
		count[shard]++
		if own := Shard(s.Of("in", contact), n); own != shard {
			t.Fatalf("%s lies in shard %d, its invoice in %d", contact, shard, own)
		}
	}
	if slices.Min(count) < per*8/10 || slices.Max(count) > per*12/10 {
		t.Errorf("%d contacts a shard became %v", per, count)
	}
}

// Shards are stored in keys, so they may never change: this id lies where it always did.
func TestShardIsForEver(t *testing.T) {
	const contact = "ct_0000000000000000000a"
	for n, want := range map[int]int{1: 0, 4: 2, 16: 2} {
		if got := Shard(contact, n); got != want {
			t.Errorf("of %d shards it lies in %d, want %d", n, got, want)
		}
	}
}

// A machine without randomness must not make ids that repeat.
func TestNoEntropyIsNoId(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an id was made without entropy")
		}
	}()
	Source{Now: func() time.Time { return time.UnixMilli(0) }, Entropy: io.LimitReader(bytes.NewReader(make([]byte, 6)), 5)}.New("ct")
}
