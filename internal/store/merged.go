package store

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"sort"
	"strings"

	"golang.org/x/sync/errgroup"

	"onebook/internal/fault"
)

// atOnce bounds the requests that one reader has under way.
const atOnce = 8

// Merged lists several partitions of one index as if they were one, in the order of the sort key, which must be
// unique over all of them (ours end in an id). It is how screens read what is spread over shards. q.Partition is
// ignored; q.Cursor must be of an earlier Merged with the same partitions, else ErrBadCursor. The cursor is empty when
// there is no more.
func Merged(ctx context.Context, t Table, partitions []string, q Query) ([]Item, string, error) {
	limit := q.Limit
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	sum := sha256.Sum256([]byte(string(q.Index) + "\x00" + strings.Join(partitions, "\x00")))
	mark := string(sum[:fingerprintLen])
	if q.Cursor != "" {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(q.Cursor)
		if err != nil || len(raw) <= fingerprintLen || string(raw[:fingerprintLen]) != mark || !storable(string(raw[fingerprintLen:]), MaxSKBytes) {
			return nil, "", ErrBadCursor
		}
		last := string(raw[fingerprintLen:])
		q.From, q.To, q.Prefix = narrowed(q, last)
		q.Cursor = ""
	}
	runs := make([][]Item, len(partitions))
	rest := make([]bool, len(partitions))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for n, p := range partitions {
		g.Go(func() (err error) {
			runs[n], rest[n], err = run(ctx, t, p, q, limit)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, "", err
	}
	all, more := slices.Concat(runs...), slices.Contains(rest, true)
	sort.Slice(all, func(i, j int) bool {
		a, b := all[i].place(q.Index).SK, all[j].place(q.Index).SK
		if q.Desc {
			return a > b
		}
		return a < b
	})
	if len(all) > limit {
		all, more = all[:limit], true
	}
	if !more || len(all) == 0 {
		return all, "", nil
	}
	return all, base64.RawURLEncoding.EncodeToString([]byte(mark + all[len(all)-1].place(q.Index).SK)), nil
}

// run reads up to limit items of one partition, and whether there may be more.
func run(ctx context.Context, t Table, partition string, q Query, limit int) ([]Item, bool, error) {
	q.Partition, q.Limit = partition, limit
	var out []Item
	for {
		p, err := t.List(ctx, q)
		if err != nil {
			return nil, false, err
		}
		out = append(out, p.Items...)
		if p.Cursor == "" || len(out) >= limit {
			return out, p.Cursor != "" || len(out) > limit, nil
		}
		q.Cursor = p.Cursor
	}
}

// narrowed is the range of q behind last. Sort keys hold no control characters, so last+"\x01" is the next possible.
func narrowed(q Query, last string) (from, to, prefix string) {
	from, to = q.From, q.To
	if q.Prefix != "" {
		from, to = q.Prefix, q.Prefix+"\U0010FFFF"
	}
	if q.Desc {
		to = last
	} else {
		from = last + "\x01"
	}
	return from, to, ""
}

// place is where the item stands in x.
func (it *Item) place(x Index) Key {
	if x == Main {
		return it.Key
	}
	return *x.of(it)
}

// Load reads consistently what a listing of an index has found, in its order. An index may lag, so an item that is
// gone, or stands elsewhere in the index by now, is left out.
func Load(ctx context.Context, t Table, x Index, found []Item) ([]Item, error) {
	out := make([]Item, len(found))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for n := range found {
		g.Go(func() error {
			it, err := t.Get(ctx, found[n].Key)
			if errors.Is(err, fault.NotFound) {
				return nil
			}
			if err == nil && it.place(x) == found[n].place(x) {
				out[n] = it
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(out, func(it Item) bool { return it.PK == "" }), nil
}
