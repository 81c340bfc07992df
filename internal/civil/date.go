// Package civil holds calendar dates, times of day and time zones as people mean them, and counts billing periods.
//
// A Date has no zone; an instant is a time.Time. To get from one to the other takes a zone, and the zone is always
// the organisation's or the customer's, never the machine's. A local time that the clocks skip moves forward by the
// gap; one that occurs twice is the first (RFC 5545 §3.3.5, rules.md §2). Recurring dates are always counted from
// their anchor, never from the date before. The time zone data is built into the program, as a fallback for
// machines that have none.
package civil

import (
	"fmt"
	"strconv"
	"time"

	"onebook/internal/fault"
)

// Date is a day of the Gregorian calendar. The zero value is no date; encoding/json leaves it out under omitzero.
// Dates are equal when they are the same day.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// On answers the date with these parts. A day beyond the month's end runs on into the next month, as in time.Date.
func On(year int, month time.Month, day int) Date {
	return of(time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
}

func of(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// ParseDate reads "2026-03-31", and only that form: years 0001 to 9999, and a day that exists. Else it is an Invalid.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1 || t.Format(time.DateOnly) != s {
		return Date{}, fault.Invalid.Errorf("%.20q is no date: write it as 2026-03-31", s).Coded("not_a_date")
	}
	return of(t), nil
}

// String prints the date as ParseDate reads it; no date prints as nothing.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day)
}

// MarshalText writes the date for JSON, "2026-03-31". No date has no text, which is an error: leave it out.
func (d Date) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return nil, fmt.Errorf("civil: a date that is not set has no text: mark the field omitzero")
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads what ParseDate reads.
func (d *Date) UnmarshalText(text []byte) error {
	v, err := ParseDate(string(text))
	if err == nil {
		*d = v
	}
	return err
}

// IsZero reports whether there is no date.
func (d Date) IsZero() bool { return d == Date{} }

// Compare answers -1, 0 or 1 for earlier, same day, later. No date is the earliest.
func (d Date) Compare(e Date) int { return d.utc().Compare(e.utc()) }

// Before reports whether d is an earlier day than e.
func (d Date) Before(e Date) bool { return d.Compare(e) < 0 }

// After reports whether d is a later day than e.
func (d Date) After(e Date) bool { return d.Compare(e) > 0 }

// AddDays answers the date this many days later, or earlier when n is negative.
func (d Date) AddDays(n int) Date { return On(d.Year, d.Month, d.Day+n) }

// Days answers how many days lie from d to e: 1 for the next day, negative when e is earlier.
func (d Date) Days(e Date) int { return int((e.utc().Unix() - d.utc().Unix()) / 86400) }

// Weekday answers the day of the week.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

// MonthEnd answers the last day of the date's month.
func (d Date) MonthEnd() Date { return On(d.Year, d.Month+1, 0) }

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// Clock is a time of day on the wall, e.g. 09:00. 24:00 is the end of the day.
type Clock struct{ Hour, Minute, Second int }

// ParseClock reads "09:00" to "24:00", and only that form. Else it is an Invalid.
func ParseClock(s string) (Clock, error) {
	if len(s) == 5 && s[2] == ':' {
		h, errH := strconv.ParseUint(s[:2], 10, 8)
		m, errM := strconv.ParseUint(s[3:], 10, 8)
		if errH == nil && errM == nil && h <= 24 && m <= 59 && (h < 24 || m == 0) {
			return Clock{int(h), int(m), 0}, nil
		}
	}
	return Clock{}, fault.Invalid.Errorf("%.20q is no time of day: write it as 09:00", s).Coded("not_a_time")
}

// String prints hours and minutes, and the seconds if there are any.
func (c Clock) String() string {
	if c.Second != 0 {
		return fmt.Sprintf("%02d:%02d:%02d", c.Hour, c.Minute, c.Second)
	}
	return fmt.Sprintf("%02d:%02d", c.Hour, c.Minute)
}

// MarshalText writes the time of day for JSON, "09:00".
func (c Clock) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what ParseClock reads.
func (c *Clock) UnmarshalText(text []byte) error {
	v, err := ParseClock(string(text))
	if err == nil {
		*c = v
	}
	return err
}
