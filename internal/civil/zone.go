package civil

import (
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // a function's image need not have zone files

	"onebook/internal/fault"
)

var zones sync.Map // name → *time.Location; only names that exist, so it stays small

// Zone answers the time zone with an IANA name, e.g. "Europe/Berlin" or "UTC". Any other name is an Invalid, also
// "Local", which would be the machine's, and the leap-second zones under right/.
func Zone(name string) (*time.Location, error) {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location), nil
	}
	z, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" || name == "localtime" || name == "posixrules" || name == "Factory" ||
		strings.HasPrefix(name, "right/") || strings.HasPrefix(name, "posix/") {
		return nil, fault.Invalid.Errorf("%.40q is no time zone: give an IANA name, such as Europe/Berlin", name).Coded("unknown_zone")
	}
	zones.Store(name, z)
	return z, nil
}

// DateOf answers the day that an instant falls on in a zone.
func DateOf(t time.Time, zone *time.Location) Date { return of(t.In(zone)) }

// Today answers the day it is now in a zone: the UTC date may be the one before or after.
func Today(now time.Time, zone *time.Location) Date { return DateOf(now, zone) }

// Fit says how a local time lies to its zone's clock changes.
type Fit int

// The three ways.
const (
	Once  Fit = iota // it occurs once, as nearly always
	Gap              // the clocks skip it
	Twice            // the clocks are put back over it
)

// At answers the instant of a local date and time of day: skipped times move forward by the gap (02:30 becomes
// 03:30), of doubled ones it is the first. 24:00 is the beginning of the next day.
func At(d Date, c Clock, zone *time.Location) time.Time {
	t, _ := Resolve(d, c, zone)
	return t
}

// Resolve answers what At does, and whether that time occurs once, never or twice. A form that offers times shows no
// Gap and asks back on Twice.
func Resolve(d Date, c Clock, zone *time.Location) (time.Time, Fit) {
	wall := time.Date(d.Year, d.Month, d.Day, c.Hour, c.Minute, c.Second, 0, time.UTC)
	first, found := time.Time{}, 0
	var shifted time.Time
	// time.Date picks a side of gap and overlap by its own rule, which differs by zone, so every offset that was in
	// force around the wall time is tried. 40 hours cover every offset and the days that Samoa and others skipped.
	for p := wall.Add(-40 * time.Hour).In(zone); ; {
		_, offset := p.Zone()
		start, end := p.ZoneBounds()
		t := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		inside := (start.IsZero() || !t.Before(start)) && (end.IsZero() || t.Before(end))
		switch {
		case inside && found == 0:
			first, found = t, 1
		case inside:
			found++
		case found == 0 && !end.IsZero() && !t.Before(end):
			shifted = t // the offset before the gap, if no later one fits
		}
		if end.IsZero() || end.After(wall.Add(40*time.Hour)) {
			break
		}
		p = end.In(zone)
	}
	switch found {
	case 0:
		return shifted, Gap
	case 1:
		return first, Once
	}
	return first, Twice
}

// DayStart answers the first instant of a day in a zone: midnight, or where the clocks skip it, what follows.
func DayStart(d Date, zone *time.Location) time.Time { return At(d, Clock{}, zone) }

// DayLength answers how long a day is in a zone: 24 hours, but 23 or 25 when the clocks change (23½ on Lord Howe).
func DayLength(d Date, zone *time.Location) time.Duration {
	return DayStart(d.AddDays(1), zone).Sub(DayStart(d, zone))
}

// Window answers the instants between which the wall clock runs from one time of day to another, e.g. opening hours.
// It is shorter or longer on days when the clocks change within it; an edge in the gap is the moment of the change.
func Window(d Date, from, to Clock, zone *time.Location) (start, end time.Time) {
	return edge(d, from, zone), edge(d, to, zone)
}

func edge(d Date, c Clock, zone *time.Location) time.Time {
	t, fit := Resolve(d, c, zone)
	if fit == Gap {
		change, _ := t.ZoneBounds()
		return change
	}
	return t
}
