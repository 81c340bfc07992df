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
	qs := make([]Query, len(partitions))
	for n, p := range partitions {
		qs[n] = q
		qs[n].Partition = p
	}
	return Together(ctx, t, qs, q.Limit, q.Cursor)
}

// Together lists several runs of one index as if they were one, in the order of what follows each one's Prefix in the sort
// key: where the prefix ends in whose it is, things of several contacts come in the order in which they were made. That must
// be unique over all runs. All have the same index and direction; their own limits and cursors are ignored. Otherwise it is
// as [Merged].
func Together(ctx context.Context, t Table, qs []Query, limit int, cursor string) ([]Item, string, error) {
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	asked := make([]string, 0, 1+2*len(qs))
	for _, q := range qs {
		asked = append(asked, q.Partition)
		if q.Prefix != qs[0].Prefix {
			asked = append(asked, q.Prefix)
		}
	}
	sum := sha256.Sum256([]byte(string(qs[0].Index) + "\x00" + strings.Join(asked, "\x00")))
	mark := string(sum[:fingerprintLen])
	last := ""
	if cursor != "" {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
		if err != nil || len(raw) <= fingerprintLen || string(raw[:fingerprintLen]) != mark || !storable(string(raw[fingerprintLen:]), MaxSKBytes) {
			return nil, "", ErrBadCursor
		}
		last = string(raw[fingerprintLen:])
	}
	runs := make([][]ranked, len(qs))
	rest := make([]bool, len(qs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for n, q := range qs {
		g.Go(func() error {
			prefix := q.Prefix
			q.Cursor = ""
			if last != "" {
				q.From, q.To, q.Prefix = narrowed(q, prefix+last)
			}
			items, more, err := run(ctx, t, q, limit)
			for _, it := range items {
				runs[n] = append(runs[n], ranked{it, strings.TrimPrefix(it.place(q.Index).SK, prefix)})
			}
			rest[n] = more
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, "", err
	}
	all, more := slices.Concat(runs...), slices.Contains(rest, true)
	sort.Slice(all, func(i, j int) bool {
		if qs[0].Desc {
			return all[i].rank > all[j].rank
		}
		return all[i].rank < all[j].rank
	})
	if len(all) > limit {
		all, more = all[:limit], true
	}
	out := make([]Item, len(all))
	for n := range all {
		out[n] = all[n].Item
	}
	if !more || len(all) == 0 {
		return out, "", nil
	}
	return out, base64.RawURLEncoding.EncodeToString([]byte(mark + all[len(all)-1].rank)), nil
}

// ranked is an item and the part of its sort key that decides where it stands among several runs.
type ranked struct {
	Item
	rank string
}

// run reads up to limit items of one run, and whether there may be more.
func run(ctx context.Context, t Table, q Query, limit int) ([]Item, bool, error) {
	q.Limit = limit
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
