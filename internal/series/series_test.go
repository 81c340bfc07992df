package series_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"onebook/internal/activity"
	"onebook/internal/rig"
	"onebook/internal/series"
	"onebook/internal/store"
)

// Numbers look as the organisation wants them.
func TestFormat(t *testing.T) {
	for _, x := range []struct {
		form string
		n    int64
		want string
	}{
		{"{year}-{n4}", 42, "2026-0042"}, {"{year}-{n4}", 12345, "2026-12345"}, {"{n}", 7, "7"}, {"E-{n9}", 1, "E-000000001"},
		{"R/{year}/{n1}x", 3, "R/2026/3x"}, {"A {n2} B", 100, "A 100 B"},
	} {
		if got := series.Format(x.form, 2026, x.n); got != x.want {
			t.Errorf("%s: %s", x.form, got)
		}
	}
}

// A number that was taken but not written is given to the next; one that was written is never given again, and who took the
// same at the same moment is told to decide anew.
func TestTake(t *testing.T) {
	r := rig.New(t)
	take := func() series.Taken {
		n, err := series.Take(r.Ctx, r.Table, "invoice", "{year}-{n}", rig.Day("2026-05-01"))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	write := func(n series.Taken, claim string) error {
		return r.Table.Write(r.Ctx, n.Op, store.Put(store.Item{Key: store.Key{PK: "CLAIM#" + claim, SK: "CLAIM"}, Body: []byte("{}")}))
	}
	a, b := take(), take()
	if a.Number != "2026-1" || b.Number != "2026-1" {
		t.Errorf("%s and %s", a.Number, b.Number)
	}
	if err := write(a, "a"); err != nil {
		t.Fatal(err)
	}
	if err := write(b, "b"); !errors.Is(err, activity.ErrContended) {
		t.Errorf("the second of two: %v", err)
	}
	if c := take(); c.Number != "2026-2" {
		t.Errorf("the next is %s", c.Number)
	}
}

// Whatever the days are on which numbers are taken, within a series they run 1, 2, 3 and their days never go back.
func TestDaysNeverGoBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := rig.New(t)
		form := rapid.SampledFrom([]string{"{n}", "{year}-{n}"}).Draw(rt, "form")
		last := map[int]string{}
		next := map[int]int64{}
		for k := range rapid.IntRange(1, 30).Draw(rt, "numbers") {
			today := rig.Day("2026-12-20").AddDays(rapid.IntRange(0, 20).Draw(rt, "day"))
			n, err := series.Take(r.Ctx, r.Table, "invoice", form, today)
			if err != nil {
				rt.Fatal(err)
			}
			which := 0
			if form != "{n}" {
				which = today.Year
			}
			next[which]++
			if want := series.Format(form, n.On.Year, next[which]); n.Number != want {
				rt.Fatalf("%s instead of %s", n.Number, want)
			}
			if n.On.String() < last[which] || n.On.Before(today) || (which != 0 && n.On.Year != which) {
				rt.Fatalf("%s on %s, after %s, today being %s", n.Number, n.On, last[which], today)
			}
			last[which] = n.On.String()
			claim := store.Put(store.Item{Key: store.Key{PK: "CLAIM#" + string(rune('a'+k)), SK: "CLAIM"}, Body: []byte("{}")})
			if err := r.Table.Write(r.Ctx, n.Op, claim); err != nil {
				rt.Fatal(err)
			}
		}
	})
}
