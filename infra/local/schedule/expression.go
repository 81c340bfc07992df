package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Expression tells when a schedule is due: rate(n minutes|hours|days) or cron(minute hour day month weekday year),
// in UTC. A rate counts from the beginning of 1970, so that it is the same after a restart; the service counts
// from the making of the schedule. L, W and # of the service's cron are refused.
type Expression struct {
	every  time.Duration
	fields [6][]int // minutes, hours, days, months, weekdays (1 is Sunday), years; nil is any
}

var (
	limits = [6][2]int{{0, 59}, {0, 23}, {1, 31}, {1, 12}, {1, 7}, {1970, 2199}}
	months = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	days   = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
)

// Parse reads an expression as a template has it.
func Parse(s string) (Expression, error) {
	name, rest, ok := strings.Cut(s, "(")
	inner, closed := strings.CutSuffix(rest, ")")
	var e Expression
	if !ok || !closed {
		return e, fmt.Errorf("the schedule %q is neither rate(…) nor cron(…)", s)
	}
	words := strings.Fields(inner)
	switch {
	case name == "rate" && len(words) == 2:
		n, err := strconv.Atoi(words[0])
		unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[strings.TrimSuffix(words[1], "s")]
		if err != nil || n < 1 || unit == 0 {
			return e, fmt.Errorf("the schedule %q has no rate that can be read", s)
		}
		e.every = time.Duration(n) * unit
		return e, nil
	case name == "cron" && len(words) == 6:
		for i, w := range words {
			var names []string
			if i == 3 {
				names = months
			} else if i == 4 {
				names = days
			}
			var err error
			if e.fields[i], err = field(w, limits[i], names); err != nil {
				return e, fmt.Errorf("the schedule %q: %w", s, err)
			}
		}
		if (words[2] == "?") == (words[4] == "?") {
			return e, fmt.Errorf("the schedule %q: exactly one of day and weekday must be ?", s)
		}
		return e, nil
	}
	return e, fmt.Errorf("the schedule %q is neither rate(n unit) nor cron(six fields)", s)
}

func field(w string, limit [2]int, names []string) ([]int, error) {
	if w == "*" || w == "?" {
		return nil, nil
	}
	number := func(s string) (int, error) {
		if i := slices.Index(names, strings.ToUpper(s)); i >= 0 {
			return i + 1, nil
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < limit[0] || n > limit[1] {
			return 0, fmt.Errorf("%q is not between %d and %d", s, limit[0], limit[1])
		}
		return n, nil
	}
	var out []int
	for _, part := range strings.Split(w, ",") {
		span, step, stepped := strings.Cut(part, "/")
		from, to, ranged := strings.Cut(span, "-")
		a, b, by := limit[0], limit[1], 1
		var err error
		if span != "*" {
			if a, err = number(from); err != nil {
				return nil, err
			}
			if ranged {
				if b, err = number(to); err != nil {
					return nil, err
				}
			} else if !stepped {
				b = a
			}
		}
		if stepped {
			if by, err = strconv.Atoi(step); err != nil || by < 1 {
				return nil, fmt.Errorf("%q has no step that can be read", part)
			}
		}
		if a > b {
			return nil, fmt.Errorf("%q runs backwards", part)
		}
		for n := a; n <= b; n += by {
			out = append(out, n)
		}
	}
	return out, nil
}

// Next answers the first moment strictly later than after, or zero when there is none any more.
func (e Expression) Next(after time.Time) time.Time {
	after = after.UTC()
	if e.every > 0 {
		return after.Truncate(time.Second).Add(-time.Duration(after.Unix()%int64(e.every/time.Second)) * time.Second).Add(e.every)
	}
	t := after.Truncate(time.Minute).Add(time.Minute)
	last := t.Year() + 30 // every cron that is ever due is due within 28 years
	for t.Year() <= last {
		switch {
		case !e.has(5, t.Year()):
			t = time.Date(t.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
		case !e.has(3, int(t.Month())):
			t = time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		case !e.has(2, t.Day()) || !e.has(4, int(t.Weekday())+1):
			t = time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, time.UTC)
		case !e.has(1, t.Hour()):
			t = t.Truncate(time.Hour).Add(time.Hour)
		case !e.has(0, t.Minute()):
			t = t.Add(time.Minute)
		default:
			return t
		}
	}
	return time.Time{}
}

func (e Expression) has(field, n int) bool {
	return e.fields[field] == nil || slices.Contains(e.fields[field], n)
}

// dense is the period under which a schedule is one that mostly finds nothing to do.
const dense = 30 * time.Minute

// sweeps reports whether the schedule comes so often that moving the clock skips what finds nothing due.
func (e Expression) sweeps() bool {
	a := e.Next(time.Unix(0, 0))
	b := e.Next(a)
	return !b.IsZero() && b.Sub(a) < dense
}
