package civil

import (
	"fmt"
	"time"

	"onebook/internal/fault"
)

// Unit is what an interval counts.
type Unit string

// The units of intervals.
const (
	Day   Unit = "day"
	Week  Unit = "week"
	Month Unit = "month"
	Year  Unit = "year"
)

// Interval is the time from one recurring date to the next, e.g. 3 months for a quarter. 30 days are not a month.
type Interval struct {
	Unit  Unit `json:"unit"`
	Count int  `json:"count"`
}

// Longest is the greatest count of an interval.
const Longest = 1000

// Check answers an Invalid unless the unit is known and the count from 1 to Longest.
func (i Interval) Check() error {
	var f fault.Fields
	switch i.Unit {
	case Day, Week, Month, Year:
	default:
		f.Add("unit", "unknown_unit", "%.20q is no unit of an interval: take day, week, month or year", string(i.Unit))
	}
	if i.Count < 1 || i.Count > Longest {
		f.Add("count", "out_of_range", "an interval counts from 1 to %d, not %d", Longest, i.Count)
	}
	return f.Err()
}

// months answers the interval in months, or 0 when it is one of days.
func (i Interval) months() int {
	switch i.Unit {
	case Month:
		return i.Count
	case Year:
		return 12 * i.Count
	}
	return 0
}

// days answers the interval in days, or 0 when it is one of months.
func (i Interval) days() int {
	switch i.Unit {
	case Day:
		return i.Count
	case Week:
		return 7 * i.Count
	}
	return 0
}

// Anchor is where a series of recurring dates starts, and its step. Dates are counted from it by the rule
// "anchor-clamp" (rules.md §2): a day that a month does not have becomes the month's last, and comes back as soon as
// a month has it. The interval must be one that passes Check.
type Anchor struct {
	Date     Date
	Interval Interval
	// BillDay is the day of the month that is meant, 1 to 31, where it differs from Date's: bills on the 31st may
	// start on April 30. 0 is Date's own day. Intervals of days and weeks do not heed it.
	BillDay int
}

// Nth answers the n-th date of the series; the 0th is the anchor itself, or the bill day of its month.
func (a Anchor) Nth(n int) Date {
	if days := a.Interval.days(); days > 0 {
		return a.Date.AddDays(n * days)
	}
	return clamp(a.Date.Year, int(a.Date.Month)+n*a.Interval.months(), a.billDay())
}

func (a Anchor) billDay() int {
	if a.BillDay > 0 {
		return a.BillDay
	}
	return a.Date.Day
}

// clamp answers the day of a month, counted on from January of the year, or the month's last day.
func clamp(year, month, day int) Date {
	first := On(year, time.Month(month), 1)
	if last := first.MonthEnd(); day > last.Day {
		return last
	}
	return Date{first.Year, first.Month, day}
}

// Last answers the greatest n whose date is not after d; it is negative when the series starts later than d.
func (a Anchor) Last(d Date) int {
	if days := a.Interval.days(); days > 0 {
		return floor(a.Date.Days(d), days)
	}
	months := 12*(d.Year-a.Date.Year) + int(d.Month) - int(a.Date.Month)
	n := floor(months, a.Interval.months())
	if a.Nth(n).After(d) {
		n--
	}
	return n
}

// floor divides towards the past, also before the anchor, where Go divides towards zero.
func floor(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Period is a stretch of days, the start in it and the end not: the end is the next one's start.
type Period struct {
	Start Date `json:"start"`
	End   Date `json:"end"`
}

// Days answers how many days the period has.
func (p Period) Days() int { return p.Start.Days(p.End) }

// Has reports whether the day lies in the period.
func (p Period) Has(d Date) bool { return !d.Before(p.Start) && d.Before(p.End) }

// Period answers the n-th period of the series: from the n-th date to the next.
func (a Anchor) Period(n int) Period { return Period{a.Nth(n), a.Nth(n + 1)} }

// Whole answers how many periods from the anchor on are over on a day: their ends are not after it. None is 0.
func (a Anchor) Whole(on Date) int { return max(0, a.Last(on)) }

// FirstBill answers the first date on or after start that falls on the bill day (1 to 31, clamped like every date).
// Where the bill day of the start's own month has passed, it is one interval further. For intervals of days and
// weeks it is the start.
func FirstBill(start Date, billDay int, every Interval) Date {
	a := Anchor{Date: start, Interval: every, BillDay: billDay}
	if first := a.Nth(0); !first.Before(start) {
		return first
	}
	return a.Nth(1)
}

// Share is the part of a period that is used, as a fraction of whole days; money.MulDiv applies it to an amount.
type Share struct{ Used, Of int64 }

// String prints the fraction.
func (s Share) String() string { return fmt.Sprintf("%d/%d", s.Used, s.Of) }

// ActualDays answers the share that the used days have of the full period they lie in, day by day (actual/actual).
func ActualDays(used, full Period) Share { return Share{int64(used.Days()), int64(full.Days())} }

// ThirtyDayMonths answers the share of an interval of months or years that the used days have when every month
// counts 30 days and a 31st is a 30th. For intervals of days and weeks it counts real days.
func ThirtyDayMonths(used Period, every Interval) Share {
	if days := every.days(); days > 0 {
		return Share{int64(used.Days()), int64(days)}
	}
	s, e := used.Start, used.End
	n := 360*(e.Year-s.Year) + 30*(int(e.Month)-int(s.Month)) + min(e.Day, 30) - min(s.Day, 30)
	return Share{int64(n), int64(30 * every.months())}
}
