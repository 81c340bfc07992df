package civil

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"onebook/internal/vectors"

	"github.com/google/go-cmp/cmp"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := Zone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func date(t testing.TB, s string) Date {
	t.Helper()
	d, err := ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// local reads 2006-01-02T15:04 with or without seconds.
func local(t testing.TB, s string) (Date, Clock) {
	t.Helper()
	day, clock, _ := strings.Cut(s, "T")
	c, err := ParseClock(clock[:5])
	if err != nil {
		t.Fatal(err)
	}
	if len(clock) == 8 {
		if c.Second, err = strconv.Atoi(clock[6:]); err != nil {
			t.Fatal(err)
		}
	}
	return date(t, day), c
}

func utc(t time.Time) string { return t.UTC().Format(time.RFC3339) }

type billing struct {
	Series []struct {
		ID, Anchor, Timezone string
		AnchorDay            int `json:"anchor_day"`
		Interval             Interval
		Dates                []string `json:"expected_dates"`
		Local                []string `json:"expected_local"`
		UTC                  []string `json:"expected_utc"`
		Shifted              []int    `json:"dst_shifted"`
	}
	First []struct {
		Start, Interval string
		BillDay         int    `json:"bill_cycle_day"`
		Want            string `json:"expected_first_bill_date"`
	} `json:"first_bill_date_on_or_after"`
	Proration []struct {
		Start    string `json:"period_start"`
		End      string `json:"period_end"`
		DayCount string `json:"day_count"`
		Interval string
		Want     string `json:"expected_fraction"`
	}
	Whole []struct {
		Start, End, Interval string
		Want                 int `json:"expected_whole_periods"`
	} `json:"whole_periods"`
	Skip []struct {
		RRule, DTStart string
		Expected       []string
	} `json:"rfc7529_skip"`
}

// Plans bill on the dates that Stripe, Kill Bill, java.time and libical agree on, at the local time of the anchor.
func TestBillingSeries(t *testing.T) {
	var v billing
	vectors.Load(t, "billing_dates.json", &v)
	shifted := 0
	for _, s := range v.Series {
		t.Run(s.ID, func(t *testing.T) {
			if err := s.Interval.Check(); err != nil {
				t.Fatal(err)
			}
			z := zone(t, s.Timezone)
			d, c := local(t, s.Anchor)
			a := Anchor{Date: d, Interval: s.Interval, BillDay: s.AnchorDay}
			var dates, locals, instants []string
			var gaps []int
			for n := 1; n <= len(s.Dates); n++ {
				at, fit := Resolve(a.Nth(n), c, z)
				if fit == Gap {
					gaps = append(gaps, n)
				}
				dates = append(dates, a.Nth(n).String())
				locals = append(locals, at.Format("2006-01-02T15:04"))
				instants = append(instants, utc(at))
				if got := a.Last(a.Nth(n)); got != n {
					t.Errorf("the last date on %s is number %d, want %d", a.Nth(n), got, n)
				}
				if got := a.Last(a.Nth(n).AddDays(-1)); got != n-1 {
					t.Errorf("the last date before %s is number %d, want %d", a.Nth(n), got, n-1)
				}
			}
			for what, pair := range map[string][2][]string{"dates": {s.Dates, dates}, "local": {s.Local, locals}, "UTC": {s.UTC, instants}} {
				if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", what, diff)
				}
			}
			if !slices.Equal(gaps, s.Shifted) {
				t.Errorf("shifted are %v, want %v", gaps, s.Shifted)
			}
			shifted += len(gaps)
		})
	}
	if len(v.Series) < 41 || shifted == 0 {
		t.Errorf("%d series with %d shifted dates: the vectors are incomplete", len(v.Series), shifted)
	}
}

// The bill-cycle day is kept apart from the start (Kill Bill).
func TestFirstBill(t *testing.T) {
	var v billing
	vectors.Load(t, "billing_dates.json", &v)
	for _, c := range v.First {
		got := FirstBill(date(t, c.Start), c.BillDay, Interval{Unit(c.Interval), 1})
		if got.String() != c.Want {
			t.Errorf("from %s by %s on day %d: %s, want %s", c.Start, c.Interval, c.BillDay, got, c.Want)
		}
	}
	if len(v.First) == 0 {
		t.Error("no cases")
	}
}

// A part of a month costs its part, by real days or by months of thirty (Kill Bill).
func TestProration(t *testing.T) {
	var v billing
	vectors.Load(t, "billing_dates.json", &v)
	for _, c := range v.Proration {
		used := Period{date(t, c.Start), date(t, c.End)}
		every := Interval{Unit(c.Interval), 1}
		var s Share
		if c.DayCount == "actual" {
			s = ActualDays(used, Period{Anchor{Date: used.End, Interval: every}.Nth(-1), used.End})
		} else {
			s = ThirtyDayMonths(used, every)
		}
		if got := big.NewRat(s.Used, s.Of).FloatString(9); got != c.Want {
			t.Errorf("%s to %s, %s: %s = %s, want %s", c.Start, c.End, c.DayCount, s, got, c.Want)
		}
	}
	if len(v.Proration) == 0 {
		t.Error("no cases")
	}
}

func TestWholePeriods(t *testing.T) {
	var v billing
	vectors.Load(t, "billing_dates.json", &v)
	for _, c := range v.Whole {
		every := Interval{Unit(c.Interval), 1}
		if c.Interval == "30 days" {
			every = Interval{Day, 30}
		}
		if got := (Anchor{Date: date(t, c.Start), Interval: every}).Whole(date(t, c.End)); got != c.Want {
			t.Errorf("%s to %s by %s: %d whole periods, want %d", c.Start, c.End, c.Interval, got, c.Want)
		}
	}
	if len(v.Whole) == 0 {
		t.Error("no cases")
	}
}

// The billing rule is RFC 7529's SKIP=BACKWARD. SKIP=FORWARD is the day after wherever it clamps, which places our
// dates exactly beside it. The two rules that count days from the end of a month or year are no billing rules.
func TestBillingRuleIsSkipBackward(t *testing.T) {
	var v billing
	vectors.Load(t, "billing_dates.json", &v)
	monthly, yearly := Interval{Month, 1}, Interval{Year, 1}
	rules := map[string][]Anchor{
		"FREQ=MONTHLY;SKIP=BACKWARD;COUNT=4":                          {{Interval: monthly}},
		"FREQ=MONTHLY;INTERVAL=3;SKIP=FORWARD;COUNT=4":                {{Interval: Interval{Month, 3}}},
		"FREQ=MONTHLY;BYMONTHDAY=31;COUNT=12;SKIP=FORWARD":            {{Interval: monthly}},
		"FREQ=MONTHLY;BYMONTHDAY=31;COUNT=12;SKIP=BACKWARD":           {{Interval: monthly}},
		"FREQ=YEARLY;BYYEARDAY=366;SKIP=BACKWARD;COUNT=9":             {{Interval: yearly}},
		"FREQ=YEARLY;BYYEARDAY=-366;SKIP=FORWARD;COUNT=9":             {{Interval: yearly}},
		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28,29;SKIP=FORWARD;COUNT=5": {{Interval: yearly, BillDay: 28}, {Interval: yearly, BillDay: 29}},
		"FREQ=MONTHLY;BYMONTHDAY=-31;COUNT=12;SKIP=BACKWARD":          nil,
		"FREQ=YEARLY;BYYEARDAY=-366;SKIP=BACKWARD;COUNT=9":            nil,
	}
	for _, c := range v.Skip {
		rule := strings.TrimPrefix(c.RRule, "RSCALE=GREGORIAN;")
		anchors, known := rules[rule]
		if !known {
			t.Errorf("%s: what about this one?", rule)
		}
		if len(anchors) == 0 {
			continue
		}
		var got []string
		for n := 0; len(got) < len(c.Expected); n++ {
			for _, a := range anchors {
				a.Date = date(t, c.DTStart[:4]+"-"+c.DTStart[4:6]+"-"+c.DTStart[6:8])
				d := a.Nth(n)
				if strings.Contains(rule, "FORWARD") && d.Day < a.billDay() {
					d = d.AddDays(1)
				}
				got = append(got, strings.ReplaceAll(d.String(), "-", "")+c.DTStart[8:])
			}
		}
		if diff := cmp.Diff(c.Expected, got[:len(c.Expected)]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", rule, diff)
		}
	}
	if len(v.Skip) != len(rules) {
		t.Errorf("%d rules, %d are known", len(v.Skip), len(rules))
	}
}

type clockChanges struct {
	Resolve []struct {
		ID, Zone, Local, Kind string
		UTC                   string `json:"expected_utc"`
		Shown                 string `json:"expected_local"`
	}
	Duration []struct {
		ID, Zone string
		Local    string `json:"start_local"`
		Minutes  int
		Start    string `json:"expected_start_utc"`
		End      string `json:"expected_end_utc"`
		EndLocal string `json:"expected_end_local"`
	}
	DayLength []struct {
		ID, Zone, Date string
		Start          string `json:"day_start_utc"`
		End            string `json:"day_end_utc"`
		Minutes        int    `json:"expected_minutes"`
		Slots          int    `json:"expected_30min_slots"`
	} `json:"day_length"`
	Window []struct {
		ID, Zone, Date string
		Window         [2]string
		Minutes        int      `json:"slot_minutes"`
		Slots          int      `json:"expected_slots"`
		UTC            []string `json:"expected_slot_starts_utc"`
		Local          []string `json:"expected_slot_starts_local"`
	} `json:"availability_window"`
	Series []struct {
		ID, Zone, RRule string
		Start           string   `json:"dtstart_local"`
		UTC             []string `json:"expected_utc"`
		Local           []string `json:"expected_local"`
	}
	Convert []struct {
		ID, Local string
		From      string `json:"from_zone"`
		To        string `json:"to_zone"`
		UTC       string `json:"expected_utc"`
		Shown     string `json:"expected_local"`
	}
}

const offset = "2006-01-02T15:04:05-07:00"

// A local time in a gap moves forward, a doubled one is the first, in every zone that does it its own way.
func TestResolve(t *testing.T) {
	var v clockChanges
	vectors.Load(t, "dst_cases.json", &v)
	kinds := map[string]Fit{"valid": Once, "gap": Gap, "overlap": Twice}
	for _, c := range v.Resolve {
		d, clock := local(t, c.Local)
		got, fit := Resolve(d, clock, zone(t, c.Zone))
		if utc(got) != c.UTC || got.Format(offset) != c.Shown || fit != kinds[c.Kind] {
			t.Errorf("%s %s %s: %s, %s, %d; want %s, %s, %s", c.ID, c.Zone, c.Local, utc(got), got.Format(offset), fit, c.UTC, c.Shown, c.Kind)
		}
	}
	if len(v.Resolve) < 31 {
		t.Errorf("%d cases", len(v.Resolve))
	}
}

// An hour is an hour, whatever the clocks do meanwhile.
func TestDurationIsElapsedTime(t *testing.T) {
	var v clockChanges
	vectors.Load(t, "dst_cases.json", &v)
	for _, c := range v.Duration {
		d, clock := local(t, c.Local)
		start := At(d, clock, zone(t, c.Zone))
		end := start.Add(time.Duration(c.Minutes) * time.Minute)
		if utc(start) != c.Start || utc(end) != c.End || end.Format(offset) != c.EndLocal {
			t.Errorf("%s: %s to %s (%s); want %s to %s (%s)", c.ID, utc(start), utc(end), end.Format(offset), c.Start, c.End, c.EndLocal)
		}
	}
	if len(v.Duration) == 0 {
		t.Error("no cases")
	}
}

func TestDayLength(t *testing.T) {
	var v clockChanges
	vectors.Load(t, "dst_cases.json", &v)
	for _, c := range v.DayLength {
		z, d := zone(t, c.Zone), date(t, c.Date)
		length := DayLength(d, z)
		if got := utc(DayStart(d, z)); got != c.Start {
			t.Errorf("%s begins %s, want %s", c.ID, got, c.Start)
		}
		if got := utc(DayStart(d.AddDays(1), z)); got != c.End {
			t.Errorf("%s ends %s, want %s", c.ID, got, c.End)
		}
		if int(length.Minutes()) != c.Minutes || int(length/(30*time.Minute)) != c.Slots {
			t.Errorf("%s: %s, want %d minutes, %d slots", c.ID, length, c.Minutes, c.Slots)
		}
	}
	if len(v.DayLength) == 0 {
		t.Error("no cases")
	}
}

// Opening hours are read from the wall: on a day when the clocks change there is room for more or fewer visits.
func TestWindow(t *testing.T) {
	var v clockChanges
	vectors.Load(t, "dst_cases.json", &v)
	for _, c := range v.Window {
		from, err := ParseClock(c.Window[0])
		to, err2 := ParseClock(c.Window[1])
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		start, end := Window(date(t, c.Date), from, to, zone(t, c.Zone))
		var starts, shown []string
		for slot := time.Duration(c.Minutes) * time.Minute; len(starts) <= c.Slots && !start.Add(slot).After(end); start = start.Add(slot) {
			starts, shown = append(starts, utc(start)), append(shown, start.Format("15:04-0700"))
		}
		if len(starts) != c.Slots {
			t.Errorf("%s: %d slots, want %d", c.ID, len(starts), c.Slots)
		}
		if diff := cmp.Diff([][]string{c.UTC, c.Local}, [][]string{starts, shown}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.ID, diff)
		}
	}
	if len(v.Window) == 0 {
		t.Error("no cases")
	}
}

func TestSeriesKeepLocalTime(t *testing.T) {
	var v clockChanges
	vectors.Load(t, "dst_cases.json", &v)
	units := map[string]Unit{"FREQ=WEEKLY;COUNT=5": Week, "FREQ=DAILY;COUNT=5": Day}
	for _, c := range v.Series {
		d, clock := local(t, c.Start)
		a := Anchor{Date: d, Interval: Interval{units[c.RRule], 1}}
		if err := a.Interval.Check(); err != nil {
			t.Fatalf("%s %s: %v", c.ID, c.RRule, err)
		}
		var got, shown []string
		for n := range c.UTC {
			at := At(a.Nth(n), clock, zone(t, c.Zone))
			got, shown = append(got, utc(at)), append(shown, at.Format("2006-01-02T15:04-07:00"))
		}
		if diff := cmp.Diff([][]string{c.UTC, c.Local}, [][]string{got, shown}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.ID, diff)
		}
	}
	if len(v.Series) == 0 {
		t.Error("no cases")
	}
}

func TestConvert(t *testing.T) {
	var v clockChanges
	vectors.Load(t, "dst_cases.json", &v)
	for _, c := range v.Convert {
		d, clock := local(t, c.Local)
		at := At(d, clock, zone(t, c.From))
		to := zone(t, c.To)
		if utc(at) != c.UTC || at.In(to).Format(offset) != c.Shown {
			t.Errorf("%s: %s, %s; want %s, %s", c.ID, utc(at), at.In(to).Format(offset), c.UTC, c.Shown)
		}
		if got := DateOf(at, to).String(); got != c.Shown[:10] {
			t.Errorf("%s is on %s, want %s", c.ID, got, c.Shown[:10])
		}
	}
	if len(v.Convert) == 0 {
		t.Error("no cases")
	}
}
