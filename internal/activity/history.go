package activity

import (
	"context"
	"sort"
	"strings"
	"time"

	"onebook/internal/store"
)

// maxPages bounds what one page of a history reads of a chain; what is rare in a long one is gone through over several
// answers.
const maxPages = 10

// about reports whether an entry tells of a thing: it is its subject, or one that the entry names.
func (e Entry) about(subject string) bool {
	if subject == "" || e.Subject == subject {
		return true
	}
	for _, id := range e.Refs {
		if id == subject {
			return true
		}
	}
	return false
}

// History lists the entries of a chain that tell of a thing, newest first; of everything when subject is empty. A page may
// hold fewer than limit and still have a cursor.
func (r *Records) History(ctx context.Context, c Chain, subject string, limit int, cursor string) ([]Entry, string, error) {
	q := store.Query{Partition: c.entries, Desc: true, Limit: limit, To: cursor}
	var out []Entry
	for range maxPages {
		p, err := r.Table.List(ctx, q)
		if err != nil {
			return nil, "", err
		}
		for _, it := range p.Items {
			e, _, _, err := decode(it)
			if err != nil {
				return nil, "", err
			}
			if !e.about(subject) {
				continue
			}
			if out = append(out, e); len(out) == limit {
				return out, it.SK, nil
			}
		}
		if p.Cursor == "" {
			return out, "", nil
		}
		q.To = p.Items[len(p.Items)-1].SK
	}
	return out, q.To, nil
}

// OrgHistory is History over the organisation's chains, which are one a month: the newest month first.
func (r *Records) OrgHistory(ctx context.Context, subject string, limit int, cursor string) ([]Entry, string, error) {
	months, err := r.months(ctx)
	if err != nil {
		return nil, "", err
	}
	in, at, _ := strings.Cut(cursor, "/")
	var out []Entry
	for _, month := range months {
		if in != "" && month > in {
			continue
		}
		from := ""
		if month == in {
			from = at
		}
		begin, err := time.Parse("2006-01", month)
		if err != nil {
			continue // no month of ours
		}
		es, next, err := r.History(ctx, OrgChain(begin), subject, limit-len(out), from)
		if err != nil {
			return nil, "", err
		}
		out = append(out, es...)
		if next != "" {
			return out, month + "/" + next, nil
		}
		if len(out) == limit {
			return out, month + "/" + seqKey(0), nil
		}
	}
	return out, "", nil
}

// months are the months in which the organisation has a history, newest first.
func (r *Records) months(ctx context.Context) ([]string, error) {
	var out []string
	q := store.Query{Partition: "ORG", Prefix: "HEAD#", Desc: true}
	for {
		p, err := r.Table.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, it := range p.Items {
			out = append(out, strings.TrimPrefix(it.SK, "HEAD#"))
		}
		if q.Cursor = p.Cursor; q.Cursor == "" {
			sort.Sort(sort.Reverse(sort.StringSlice(out)))
			return out, nil
		}
	}
}
