package schedule

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func at(s string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05", s)
	if err != nil {
		panic(err)
	}
	return t
}

// The moments are those of the service's own examples and of the calendar.
func TestNext(t *testing.T) {
	cases := []struct{ expr, after, want string }{
		{"rate(1 minute)", "2026-01-05 09:00:00", "2026-01-05 09:01:00"},
		{"rate(1 minute)", "2026-01-05 09:00:59", "2026-01-05 09:01:00"},
		{"rate(5 minutes)", "2026-01-05 09:03:00", "2026-01-05 09:05:00"},
		{"rate(1 day)", "2026-01-05 09:03:00", "2026-01-06 00:00:00"},
		{"cron(0 6 * * ? *)", "2026-01-05 06:00:00", "2026-01-06 06:00:00"},
		{"cron(15 10 ? * MON-FRI *)", "2026-01-09 10:15:00", "2026-01-12 10:15:00"},
		{"cron(0/15 8-9 * * ? *)", "2026-01-05 09:45:00", "2026-01-06 08:00:00"},
		{"cron(0 0 1 JAN,jul ? *)", "2026-01-05 00:00:00", "2026-07-01 00:00:00"},
		{"cron(0 0 29 2 ? *)", "2026-01-05 00:00:00", "2028-02-29 00:00:00"},
		{"cron(0 0 31 * ? *)", "2026-04-01 00:00:00", "2026-05-31 00:00:00"},
		{"cron(0 12 ? * 1 *)", "2026-01-05 00:00:00", "2026-01-11 12:00:00"},
		{"cron(0 12 1 1 ? 2027)", "2026-01-05 00:00:00", "2027-01-01 12:00:00"},
	}
	for _, c := range cases {
		e, err := Parse(c.expr)
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
		} else if got := e.Next(at(c.after)); !got.Equal(at(c.want)) {
			t.Errorf("%s after %s: %s, want %s", c.expr, c.after, got, c.want)
		}
	}
	e, err := Parse("cron(0 12 1 1 ? 2020)")
	if err != nil || !e.Next(at("2026-01-05 00:00:00")).IsZero() {
		t.Errorf("a year that has passed: %v", err)
	}
}

func TestRefused(t *testing.T) {
	for _, s := range []string{"", "rate(0 minutes)", "rate(1 fortnight)", "rate(1)", "cron(* * * * *)", "cron(0 0 * * * *)", "cron(0 0 ? * ? *)",
		"cron(60 0 * * ? *)", "cron(0 0 L * ? *)", "cron(0 0 ? * 2#1 *)", "cron(9-5 0 * * ? *)", "cron(0/0 0 * * ? *)", "at(2026-01-05T09:00:00)"} {
		if e, err := Parse(s); err == nil {
			t.Errorf("%q was read as %+v", s, e)
		}
	}
}

// Next answers a moment that the fields allow, and no earlier one does.
func TestNextIsFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minute := rapid.SampledFrom([]string{"0", "0/7", "13,59"}).Draw(t, "minute")
		hour := rapid.SampledFrom([]string{"*", "6", "22-23"}).Draw(t, "hour")
		day := rapid.SampledFrom([]string{"? * MON-WED", "1 * ?", "* 2-3 ?"}).Draw(t, "days")
		e, err := Parse("cron(" + minute + " " + hour + " " + day + " *)")
		if err != nil {
			t.Fatal(err)
		}
		after := time.Unix(rapid.Int64Range(1.7e9, 1.8e9).Draw(t, "after"), 0).UTC()
		got := e.Next(after)
		if !got.After(after) || got.Second() != 0 {
			t.Fatalf("%s after %s", got, after)
		}
		for m := after.Truncate(time.Minute).Add(time.Minute); m.Before(got) && m.Before(after.AddDate(0, 0, 2)); m = m.Add(time.Minute) {
			if e.has(0, m.Minute()) && e.has(1, m.Hour()) && e.has(2, m.Day()) && e.has(3, int(m.Month())) && e.has(4, int(m.Weekday())+1) {
				t.Fatalf("%s was passed over for %s", m, got)
			}
		}
	})
}
