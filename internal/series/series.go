// Package series hands out the numbers of documents.
//
// A series is one item: the next number and the day of the last one. It moves in the transaction that issues the document
// and in no other, so there are no gaps and no number is given twice; the day never goes backwards within a series.
// Issues of one series are therefore serial: two at once conflict, and one of them decides again.
package series

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"onebook/internal/activity"
	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/store"
)

// ItemKind is the kind of a series' item.
const ItemKind = "series"

type state struct {
	Next int64      `json:"n"`
	Last civil.Date `json:"d"`
}

// Taken is a number taken: it counts only when Op is written with the document.
type Taken struct {
	Number string     // as printed
	On     civil.Date // the day of issue: today, or the series' last day when that is later
	Op     store.Op
}

// Take answers the next number of the kind (such as "invoice") in this form; today is the organisation's date. A form with {year}
// counts each year anew, and the year is that of the day of issue.
func Take(ctx context.Context, t store.Table, kind, form string, today civil.Date) (Taken, error) {
	name := kind
	if strings.Contains(form, "{year}") {
		name += "-" + strconv.Itoa(today.Year)
	}
	k := store.Key{PK: "SERIES#" + name, SK: "SERIES"}
	st := state{Next: 1}
	it, err := t.Get(ctx, k)
	switch {
	case errors.Is(err, fault.NotFound):
	case err != nil:
		return Taken{}, err
	default:
		if err := json.Unmarshal(it.Body, &st); err != nil {
			return Taken{}, fmt.Errorf("series %s: %w", name, err)
		}
	}
	on := today
	if on.Before(st.Last) {
		on = st.Last // the organisation moved west; a series of one year stays within it
	}
	body, err := json.Marshal(state{Next: st.Next + 1, Last: on})
	if err != nil {
		return Taken{}, fmt.Errorf("series: %w", err)
	}
	op := store.Put(store.Item{Key: k, Version: it.Version, Kind: ItemKind, Body: body}).Else(activity.ErrContended)
	return Taken{Number: Format(form, on.Year, st.Next), On: on, Op: op}, nil
}

// Format writes a number: {year}, {n}, and {n4} with at least four digits.
func Format(form string, year int, n int64) string {
	out := strings.ReplaceAll(form, "{year}", strconv.Itoa(year))
	i := strings.Index(out, "{n")
	if i < 0 {
		return out
	}
	j := i + strings.Index(out[i:], "}")
	digits := strconv.FormatInt(n, 10)
	if w, err := strconv.Atoi(out[i+2 : j]); err == nil && len(digits) < w {
		digits = strings.Repeat("0", w-len(digits)) + digits
	}
	return out[:i] + digits + out[j+1:]
}
