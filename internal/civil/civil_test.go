package civil

import (
	"encoding/json"
	"errors"
	"math/big"
	"testing"
	"time"

	"onebook/internal/fault"

	"pgregory.net/rapid"
)

// The plan of January 31 bills on the last of February and is back on the 31st in March: rules.md §2, where the
// drift of adding to the date before, and AddDate's March 3, are forbidden.
func TestAnchorComesBack(t *testing.T) {
	for _, c := range []struct {
		anchor string
		every  Interval
		want   []string
	}{
		{"2023-01-31", Interval{Month, 1}, []string{"2023-01-31", "2023-02-28", "2023-03-31", "2023-04-30", "2023-05-31"}},
		{"2024-01-31", Interval{Month, 1}, []string{"2024-01-31", "2024-02-29", "2024-03-31"}},
		{"2023-11-30", Interval{Month, 3}, []string{"2023-11-30", "2024-02-29", "2024-05-30"}},
		{"2024-02-29", Interval{Year, 1}, []string{"2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"}},
		{"2096-02-29", Interval{Year, 4}, []string{"2096-02-29", "2100-02-28", "2104-02-29"}},
		{"2024-01-31", Interval{Week, 2}, []string{"2024-01-31", "2024-02-14", "2024-02-28", "2024-03-13"}},
		{"2024-01-31", Interval{Day, 30}, []string{"2024-01-31", "2024-03-01", "2024-03-31"}},
	} {
		a := Anchor{Date: date(t, c.anchor), Interval: c.every}
		for n, want := range c.want {
			if got := a.Nth(n).String(); got != want {
				t.Errorf("%s by %v: number %d is %s, want %s", c.anchor, c.every, n, got, want)
			}
		}
	}
	if got := (Anchor{Date: date(t, "2023-03-31"), Interval: Interval{Month, 1}}).Nth(-1).String(); got != "2023-02-28" {
		t.Errorf("the month before March 31 is %s", got)
	}
}

// The figures of rules.md §2: real days of a leap February, of May, and months of thirty days.
func TestShares(t *testing.T) {
	month := Interval{Month, 1}
	for _, c := range []struct {
		start, end, full string
		want, thirty     string
	}{
		{"2023-05-23", "2023-06-15", "2023-05-15", "0.741935484", "0.733333333"},
		{"2024-02-23", "2024-03-15", "2024-02-15", "0.724137931", "0.733333333"},
		{"2023-05-15", "2023-06-15", "2023-05-15", "1.000000000", "1.000000000"},
		{"2023-03-31", "2023-04-30", "2023-03-31", "1.000000000", "1.000000000"}, // a 31st is a 30th
	} {
		used := Period{date(t, c.start), date(t, c.end)}
		full := (Anchor{Date: date(t, c.full), Interval: month}).Period(0)
		s, th := ActualDays(used, full), ThirtyDayMonths(used, month)
		if got := big.NewRat(s.Used, s.Of).FloatString(9); got != c.want {
			t.Errorf("%s to %s: %s, want %s", c.start, c.end, got, c.want)
		}
		if got := big.NewRat(th.Used, th.Of).FloatString(9); got != c.thirty {
			t.Errorf("%s to %s in months of 30: %s, want %s", c.start, c.end, got, c.thirty)
		}
	}
	if s := ThirtyDayMonths(Period{date(t, "2024-01-01"), date(t, "2024-01-03")}, Interval{Week, 1}); s.String() != "2/7" {
		t.Errorf("two days of a week: %s", s)
	}
}

func drawDate(t *rapid.T, label string) Date {
	return On(2000, 1, 1).AddDays(rapid.IntRange(0, 80000).Draw(t, label))
}

// Periods follow each other without gap or overlap, in order, for ever; each day lies in exactly one.
func TestPeriodsTile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Anchor{Date: drawDate(t, "anchor"), Interval: Interval{
			rapid.SampledFrom([]Unit{Day, Week, Month, Year}).Draw(t, "unit"), rapid.IntRange(1, 40).Draw(t, "count")}}
		if a.Interval.months() > 0 {
			a.BillDay = rapid.IntRange(0, 31).Draw(t, "bill day")
		}
		n := rapid.IntRange(-20, 60).Draw(t, "n")
		p, next := a.Period(n), a.Period(n+1)
		if p.End != next.Start || p.Days() <= 0 {
			t.Fatalf("%v is followed by %v", p, next)
		}
		d := p.Start.AddDays(rapid.IntRange(0, p.Days()-1).Draw(t, "day"))
		if got := a.Last(d); got != n || !p.Has(d) || next.Has(d) {
			t.Fatalf("%s lies in period %d %v, found in %d", d, n, p, got)
		}
		if months := a.Interval.months(); months > 0 {
			if want := clampedDay(p.Start, a.billDay()); p.Start.Day != want {
				t.Fatalf("%s should be on day %d", p.Start, want)
			}
			if got := 12*(p.End.Year-p.Start.Year) + int(p.End.Month-p.Start.Month); got != months {
				t.Fatalf("%v is %d months, not %d", p, got, months)
			}
		}
	})
}

// clampedDay knows the lengths of months by itself.
func clampedDay(d Date, want int) int {
	length := map[time.Month]int{1: 31, 2: 28, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}[d.Month]
	if d.Month == 2 && d.Year%4 == 0 && (d.Year%100 != 0 || d.Year%400 == 0) {
		length = 29
	}
	return min(want, length)
}

// The first bill is on the bill day, never before the start, and at most one interval after it.
func TestFirstBillIsSoon(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start, day := drawDate(t, "start"), rapid.IntRange(1, 31).Draw(t, "day")
		every := Interval{rapid.SampledFrom([]Unit{Month, Year}).Draw(t, "unit"), rapid.IntRange(1, 12).Draw(t, "count")}
		got := FirstBill(start, day, every)
		if got.Before(start) || got.After(clamp(start.Year, int(start.Month)+every.months(), 31)) || got.Day != clampedDay(got, day) {
			t.Fatalf("from %s on day %d by %v: %s", start, day, every, got)
		}
	})
}

// Who starts on the bill day is billed that day.
func TestFirstBillOnTheDay(t *testing.T) {
	for start, day := range map[string]int{"2024-02-29": 31, "2024-04-15": 15} {
		if got := FirstBill(date(t, start), day, Interval{Month, 1}); got.String() != start {
			t.Errorf("from %s on day %d: %s", start, day, got)
		}
	}
	if got := FirstBill(date(t, "2024-02-05"), 0, Interval{Week, 1}); got.String() != "2024-02-05" {
		t.Errorf("weekly from 2024-02-05: %s", got)
	}
}

func TestIntervalIsChecked(t *testing.T) {
	for _, i := range []Interval{{Day, 1}, {Week, 52}, {Month, 6}, {Year, Longest}} {
		if err := i.Check(); err != nil {
			t.Errorf("%v: %v", i, err)
		}
	}
	for _, i := range []Interval{{}, {"fortnight", 1}, {Month, 0}, {Month, -1}, {Day, Longest + 1}, {"Month", 1}} {
		if err := i.Check(); !errors.Is(err, fault.Invalid) {
			t.Errorf("%v: %v, want an Invalid", i, err)
		}
	}
}

// What is written as a date is that date, and nothing else passes for one.
func TestDatesAreStrict(t *testing.T) {
	for _, s := range []string{"2026-03-31", "2024-02-29", "0001-01-01", "9999-12-31"} {
		if d, err := ParseDate(s); err != nil || d.String() != s {
			t.Errorf("%s: %s, %v", s, d, err)
		}
	}
	for _, s := range []string{"", "2026-02-29", "2100-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "2026-1-1", "26-01-01", "0000-01-01",
		"2026-03-31T00:00:00Z", " 2026-03-31", "2026-03-31 ", "20260331", "2026/03/31", "+2026-03-31", "10000-01-01", "-001-01-01"} {
		if d, err := ParseDate(s); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q is taken for %s, %v", s, d, err)
		}
	}
	for _, s := range []string{"00:00", "09:30", "23:59", "24:00"} {
		if c, err := ParseClock(s); err != nil || c.String() != s {
			t.Errorf("%s: %s, %v", s, c, err)
		}
	}
	for _, s := range []string{"", "9:30", "24:01", "25:00", "12:60", "12.30", "12:30:00", "-1:00", "+1:00", "1200 "} {
		if c, err := ParseClock(s); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q is taken for %s, %v", s, c, err)
		}
	}
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"2026-03-31", "2024-02-29", "2023-02-29", "0000-00-00", "2026-03-31Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDate(s)
		if err == nil && (d.String() != s || d.Day != clampedDay(d, d.Day)) || err != nil && !d.IsZero() {
			t.Fatalf("%q: %v, %v", s, d, err)
		}
		c, err := ParseClock(s)
		if err == nil && c.String() != s {
			t.Fatalf("%q: %v", s, c)
		}
	})
}

func TestDatesInJSON(t *testing.T) {
	type bill struct {
		On    Date  `json:"on"`
		Ends  Date  `json:"ends,omitzero"`
		Opens Clock `json:"opens"`
	}
	const text = `{"on":"2026-03-31","opens":"09:00"}`
	var b bill
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		t.Fatal(err)
	}
	if out, err := json.Marshal(b); err != nil || string(out) != text {
		t.Errorf("%s, %v", out, err)
	}
	if out, err := json.Marshal(bill{}); err == nil {
		t.Errorf("no date is written as %s", out)
	}
	for _, s := range []string{`{"on":""}`, `{"on":20260331}`, `{"on":"2026-02-30"}`, `{"opens":"25:00"}`} {
		if err := json.Unmarshal([]byte(s), &b); err == nil {
			t.Errorf("%s is accepted", s)
		}
	}
}

// Days are counted on the calendar; no month, leap year or clock change disturbs the count.
func TestDayCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, n := drawDate(t, "date"), rapid.IntRange(-50000, 50000).Draw(t, "days")
		e := d.AddDays(n)
		if d.Days(e) != n || e.Days(d) != -n || e.AddDays(-n) != d {
			t.Fatalf("%s and %d days is %s", d, n, e)
		}
		if want := time.Weekday(((int(d.Weekday())+n)%7 + 7) % 7); e.Weekday() != want {
			t.Fatalf("%s is a %s, want %s", e, e.Weekday(), want)
		}
		if c := d.Compare(e); c < 0 != (n > 0) || c > 0 != (n < 0) || d.Before(e) != (n > 0) || d.After(e) != (n < 0) {
			t.Fatalf("%s against %s: %d", d, e, c)
		}
	})
}

// An organisation's day is not the machine's: at one instant it is three different dates.
func TestTodayDependsOnTheZone(t *testing.T) {
	now := time.Date(2026, 1, 1, 10, 30, 0, 0, time.UTC)
	for name, want := range map[string]string{"Pacific/Kiritimati": "2026-01-02", "UTC": "2026-01-01", "Pacific/Pago_Pago": "2025-12-31"} {
		if got := Today(now, zone(t, name)).String(); got != want {
			t.Errorf("in %s it is %s, want %s", name, got, want)
		}
	}
	for _, name := range []string{"", "Local", "Mars/Olympus", "right/Europe/Berlin", "../etc/passwd", "europe/berlin", "zone.tab"} {
		if z, err := Zone(name); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q is the zone %v, %v", name, z, err)
		}
	}
}

// Whatever a zone does, a time that exists is found as it is shown, no earlier instant shows the same, and a time
// that does not exist lands right behind its gap, shifted by as much as the clocks were.
func TestResolveRoundTrips(t *testing.T) {
	names := []string{"America/New_York", "Europe/Berlin", "Europe/Dublin", "Australia/Lord_Howe", "Antarctica/Troll", "Pacific/Apia",
		"Africa/Casablanca", "America/Sao_Paulo", "Africa/Cairo", "America/Havana", "Asia/Tehran", "Pacific/Chatham", "America/Caracas",
		"Asia/Pyongyang", "Pacific/Kwajalein", "Africa/Monrovia", "Europe/Amsterdam", "UTC"}
	const wallForm = "2006-01-02 15:04:05"
	rapid.Check(t, func(t *rapid.T) {
		z, err := Zone(rapid.SampledFrom(names).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		base := time.Unix(rapid.Int64Range(-2e9, 2e9).Draw(t, "instant"), 0).In(z)
		if _, change := base.ZoneBounds(); !change.IsZero() && rapid.Bool().Draw(t, "near a change") {
			base = change.Add(time.Duration(rapid.IntRange(-90000, 90000).Draw(t, "seconds")) * time.Second)
		}
		shown := base.Format(wallForm)
		at, fit := Resolve(DateOf(base, z), Clock{base.Hour(), base.Minute(), base.Second()}, z)
		if at.Format(wallForm) != shown || at.After(base) || fit == Gap || at.Equal(base) == (fit == Twice && at.Before(base)) {
			t.Fatalf("%s is resolved as %s (%d)", base, at, fit)
		}
		for back := 1; back <= 52; back++ { // two clock readings that agree lie at most 26 hours apart
			if e := at.Add(-time.Duration(back) * 30 * time.Minute); e.Format(wallForm) == shown {
				t.Fatalf("%s is shown earlier, at %s", shown, e)
			}
		}
		_, change := base.ZoneBounds()
		if change.IsZero() {
			return
		}
		_, before := change.Add(-time.Second).Zone()
		_, after := change.Zone()
		if gap := after - before; gap > 0 {
			in := rapid.IntRange(0, gap-1).Draw(t, "into the gap")
			w := change.UTC().Add(time.Duration(before+in) * time.Second)
			at, fit := Resolve(of(w), Clock{w.Hour(), w.Minute(), w.Second()}, z)
			if fit != Gap || at.Sub(change) != time.Duration(in)*time.Second {
				t.Fatalf("%s in the gap at %s is resolved as %s (%d)", w.Format(wallForm), change, at, fit)
			}
		}
	})
}

// 24:00 is the end of a day, also of one that ends with a change of the clocks.
func TestEndOfDay(t *testing.T) {
	z := zone(t, "America/Sao_Paulo")
	for _, s := range []string{"2018-02-17", "2018-11-03", "2025-05-05"} {
		d := date(t, s)
		if got, want := At(d, Clock{24, 0, 0}, z), DayStart(d.AddDays(1), z); !got.Equal(want) {
			t.Errorf("%s ends %s, the next day begins %s", s, got, want)
		}
	}
	start, end := Window(date(t, "2025-03-09"), Clock{0, 0, 0}, Clock{2, 30, 0}, zone(t, "America/New_York"))
	if end.Sub(start) != 2*time.Hour {
		t.Errorf("open until 02:30 on the day of the gap: %s", end.Sub(start))
	}
}
