package activity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/money"
	"onebook/internal/store"
)

// Chain is where entries are written: a contact's, or the organisation's of one month.
type Chain struct {
	entries string
	head    store.Key
	shard   int
}

// ContactChain is the chain of one contact.
func ContactChain(contact string) Chain {
	return Chain{entries: "A#" + contact, head: store.Key{PK: "C#" + contact, SK: "HEAD"}, shard: id.Shard(contact, 4)}
}

// OrgChain is the organisation's chain of the month that at lies in, by UTC: settings, members, denied attempts,
// money that matches nothing.
func OrgChain(at time.Time) Chain {
	month := at.UTC().Format("2006-01")
	return Chain{entries: "A#ORG#" + month, head: store.Key{PK: "ORG", SK: "HEAD#" + month}}
}

// HeadKind is the kind of a head's item.
const HeadKind = "head"

// Balance is what a contact owes and has in hand, minor units, both zero or more in ordinary life.
type Balance struct {
	Due    int64 `json:"d,omitempty"` // sum of postings to receivable
	Credit int64 `json:"c,omitempty"` // minus the sum of postings to customer-credit
}

// Head is the end of a chain. The zero Head begins one.
type Head struct {
	Seq        int64              `json:"q"`
	Hash       string             `json:"h,omitempty"`
	Balances   map[string]Balance `json:"b,omitempty"` // by currency
	Members    []string           `json:"m,omitempty"` // contacts merged into this one
	MergedInto string             `json:"i,omitempty"`

	version int64
}

// moved answers the head with postings added to its balances. A balance beyond what can be kept exactly is an Invalid.
func (h Head) moved(ps []Posting) (Head, error) {
	b := make(map[string]Balance, len(h.Balances)+1)
	for c, v := range h.Balances {
		b[c] = v
	}
	for _, p := range ps {
		v := b[p.Currency]
		switch p.Account {
		case Receivable:
			v.Due += p.Amount
		case Credit:
			v.Credit -= p.Amount
		default:
			continue
		}
		if err := errors.Join(money.Check(v.Due), money.Check(v.Credit)); err != nil {
			return Head{}, err
		}
		if v == (Balance{}) {
			delete(b, p.Currency)
			continue
		}
		b[p.Currency] = v
	}
	if len(b) == 0 {
		b = nil
	}
	h.Balances = b
	return h, nil
}

// Deed is what a decision comes to: one entry and everything that must be true with it.
type Deed struct {
	Kind     string            // e.g. "invoice.issued"
	Subject  string            // id of the thing it is about; a replayed Idempotency-Key answers it again
	Refs     map[string]string // further ids, sealed
	Text     string            // one plain sentence for the timeline
	Reason   string            // why, when a person had to say
	Changes  []Change
	On       string // accounting date, yyyy-mm-dd; needed when there are postings
	Postings []Posting
	Ops      []store.Op // claims, states, pointers, effects

	Tie    *Tie     // what the head of this chain belongs to from now on; nil leaves it as it is
	Beside []Beside // what the same deed writes on further chains

	nothing bool
}

// Beside is the part of a deed that lies on another chain, such as that of the contact whose credit pays, or of the one
// that is merged away. All parts are one write, and each balances by itself: what goes over from one contact to another is posted to
// [Between] on both sides.
type Beside struct {
	Chain Chain
	Head  Head // as decide read it with [Records.Head]: when another deed moved it meanwhile, all is decided again
	Deed  Deed // one that has a Tie and no Kind makes no entry: it only ties the head anew
}

// Tie is what a merge makes of a head (design.md §3, "Merge moves nothing"). Both are replaced.
type Tie struct {
	Members    []string // contacts merged into this one, those of its members included
	MergedInto string   // the contact that survived, never one that was merged itself
}

// Nothing is the answer of a decision that finds the deed done already: no entry is written. What the caller's
// Idempotency-Key made is subject, the same as if the deed had been done now.
func Nothing(subject string) *Deed { return &Deed{Subject: subject, nothing: true} }

// Errors that make a deed be decided again on fresh reads. They never reach a caller.
var (
	errHeadMoved = errors.New("activity: head moved")

	// ErrContended is the Else of a condition on an item that other contacts move as well, such as a number series.
	ErrContended = errors.New("activity: contended")
)

// ErrOnce is answered when the caller's Idempotency-Key was taken meanwhile: look it up with FindOnce.
var ErrOnce = fault.Exists.Errorf("this request was already made with the same Idempotency-Key")

// maxRedo bounds the decisions of one deed (design.md §3, Head); a contended item may take more, within the deadline.
const (
	maxRedo      = 8
	maxContended = 200
)

// Records writes deeds and reads chains.
type Records struct {
	Table   store.Table
	Now     func() time.Time
	Entropy io.Reader                                    // salts
	Pause   func(ctx context.Context, attempt int) error // between attempts; nil does not wait
	OnceFor time.Duration                                // how long an Idempotency-Key is kept; 7 days when zero
}

// Head reads the head of a chain, the zero Head when it was never written.
func (r *Records) Head(ctx context.Context, c Chain) (Head, error) {
	it, err := r.Table.Get(ctx, c.head)
	if errors.Is(err, fault.NotFound) {
		return Head{}, nil
	}
	if err != nil {
		return Head{}, err
	}
	var h Head
	if err := json.Unmarshal(it.Body, &h); err != nil {
		return Head{}, fmt.Errorf("head %s: %w", c.head.PK, err)
	}
	h.version = it.Version
	return h, nil
}

// Family answers a contact, after a merge was followed, and behind it everyone who was merged into it: what a contact has
// lies with all of them. Whether there is such a contact is not looked at.
func (r *Records) Family(ctx context.Context, contact string) ([]string, error) {
	h, err := r.Head(ctx, ContactChain(contact))
	if err == nil && h.MergedInto != "" {
		contact = h.MergedInto
		h, err = r.Head(ctx, ContactChain(contact))
	}
	return append([]string{contact}, h.Members...), err
}

// Do writes one deed on a chain. decide reads what it needs and answers the deed, without writing; when another
// deed came between it is called again and must decide from fresh reads. It may answer any fault, which Do passes on
// with nothing written. An answer of (nil, nil) means that there is nothing to do; Do then writes nothing. [Nothing] says
// the same and keeps the caller's Idempotency-Key, so that its repetition is known as one.
//
// ErrOnce: by.Once was taken meanwhile. fault.Busy: too much contention within the deadline.
func (r *Records) Do(ctx context.Context, by By, c Chain, decide func(ctx context.Context, h Head) (*Deed, error)) (Entry, error) {
	heads, contended := 0, 0
	for {
		h, err := r.Head(ctx, c)
		if err != nil {
			return Entry{}, err
		}
		d, err := decide(ctx, h)
		if err != nil || d == nil {
			return Entry{}, err
		}
		if d.nothing {
			return Entry{}, r.keep(ctx, by, d)
		}
		e, err := r.write(ctx, by, c, h, d)
		switch {
		case err == nil:
			by.Once.done()
			return e, nil
		case errors.Is(err, errHeadMoved):
			heads++
		case errors.Is(err, ErrContended):
			contended++
		default:
			return Entry{}, err
		}
		if heads >= maxRedo || contended >= maxContended {
			return Entry{}, store.ErrBusy
		}
		if r.Pause != nil {
			if err := r.Pause(ctx, heads+contended); err != nil {
				return Entry{}, store.ErrBusy
			}
		}
	}
}

// Begin writes a deed that begins something for a contact: on its own chain, or, once it was merged into another, on
// that one's, which it follows once (design.md §3). decide is told whose chain it is; it makes ids for that contact.
// All else is as with [Records.Do].
func (r *Records) Begin(ctx context.Context, by By, contact string, decide func(ctx context.Context, contact string, h Head) (*Deed, error)) (Entry, error) {
	for range maxRedo {
		survivor := ""
		e, err := r.Do(ctx, by, ContactChain(contact), func(ctx context.Context, h Head) (*Deed, error) {
			if survivor = h.MergedInto; survivor != "" {
				return nil, nil
			}
			return decide(ctx, contact, h)
		})
		if err != nil || survivor == "" {
			return e, err
		}
		contact = survivor
	}
	return Entry{}, store.ErrBusy
}

// keep writes the claim of the caller's Idempotency-Key alone, when there is one still to be written.
func (r *Records) keep(ctx context.Context, by By, d *Deed) error {
	if !by.Once.pending() {
		return nil
	}
	op, err := by.Once.claim(r.Now().UTC(), r.onceFor(), d)
	if err == nil {
		err = r.Table.Write(ctx, op)
	}
	if err == nil {
		by.Once.done()
	}
	return err
}

func (r *Records) write(ctx context.Context, by By, c Chain, h Head, d *Deed) (Entry, error) {
	at := r.Now().UTC()
	// The heads come first: when several conditions fail at once, "read again" explains the others.
	e, heads, rest, err := r.part(c, h, at, by, d)
	if err != nil {
		return Entry{}, err
	}
	for _, b := range d.Beside {
		_, more, ops, err := r.part(b.Chain, b.Head, at, by, &b.Deed)
		if err != nil {
			return Entry{}, err
		}
		heads, rest = append(heads, more...), append(rest, ops...)
	}
	if err := level(d); err != nil {
		return Entry{}, err
	}
	if by.Once.pending() {
		op, err := by.Once.claim(at, r.onceFor(), d)
		if err != nil {
			return Entry{}, err
		}
		heads = append(heads, op)
	}
	if err := r.Table.Write(ctx, append(heads, rest...)...); err != nil {
		return Entry{}, err
	}
	return e, nil
}

// part makes what one chain gets of a deed: its head and its entry, and what else is written with them.
func (r *Records) part(c Chain, h Head, at time.Time, by By, d *Deed) (e Entry, heads, rest []store.Op, err error) {
	next, err := h.moved(d.Postings)
	if err != nil {
		return Entry{}, nil, nil, err
	}
	if d.Kind != "" || d.Tie == nil || len(d.Postings) > 0 {
		var entry store.Item
		if entry, e, err = seal(c, h, at, by, *d, r.Entropy); err != nil {
			return Entry{}, nil, nil, err
		}
		next.Seq, next.Hash = e.Seq, e.Hash
		heads = append(heads, store.Put(entry).Else(errHeadMoved))
	}
	if d.Tie != nil {
		next.Members, next.MergedInto = d.Tie.Members, d.Tie.MergedInto
	}
	body, err := json.Marshal(next)
	if err != nil {
		return Entry{}, nil, nil, fmt.Errorf("head: %w", err)
	}
	head := store.Put(store.Item{Key: c.head, Version: h.version, Kind: HeadKind, Body: body}).Else(errHeadMoved)
	return e, append([]store.Op{head}, heads...), d.Ops, nil
}

func (r *Records) onceFor() time.Duration {
	if r.OnceFor == 0 {
		return 7 * 24 * time.Hour
	}
	return r.OnceFor
}

// Timeline lists the entries of one chain, newest first.
func (r *Records) Timeline(ctx context.Context, c Chain, limit int, cursor string) ([]Entry, string, error) {
	p, err := r.Table.List(ctx, store.Query{Partition: c.entries, Desc: true, Limit: limit, Cursor: cursor})
	if err != nil {
		return nil, "", err
	}
	out := make([]Entry, 0, len(p.Items))
	for _, it := range p.Items {
		e, _, _, err := decode(it)
		if err != nil {
			return nil, "", err
		}
		out = append(out, e)
	}
	return out, p.Cursor, nil
}

// Together lists the entries of several chains as one story, newest first, each with the chain it is of. Within a chain
// the order is that of the chain; over the pages of one listing every entry that was there is shown exactly once, also when
// a chain joins or leaves between them.
func (r *Records) Together(ctx context.Context, cs []Chain, limit int, cursor string) ([]Told, string, error) {
	if limit <= 0 || limit > store.MaxPage {
		limit = store.MaxPage
	}
	shown := map[string]int64{} // the oldest entry of each chain that was shown
	if cursor != "" {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
		if err != nil || json.Unmarshal(raw, &shown) != nil || shown == nil {
			return nil, "", store.ErrBadCursor
		}
	}
	runs, more := make([][]Entry, len(cs)), make([]bool, len(cs))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for n, c := range cs {
		g.Go(func() error {
			q := store.Query{Partition: c.entries, Desc: true, Limit: limit}
			if at, ok := shown[c.entries]; ok {
				q.To = seqKey(at)
			}
			for {
				p, err := r.Table.List(gctx, q)
				if err != nil {
					return err
				}
				for _, it := range p.Items {
					e, _, _, err := decode(it)
					if err != nil {
						return err
					}
					runs[n] = append(runs[n], e)
				}
				if q.Cursor = p.Cursor; q.Cursor == "" || len(runs[n]) >= limit {
					more[n] = q.Cursor != ""
					return nil
				}
			}
		})
	}
	if err := g.Wait(); err != nil {
		return nil, "", err
	}
	var out []Told
	for len(out) < limit {
		next := -1
		for n := range runs {
			if len(runs[n]) > 0 && (next < 0 || runs[n][0].At.After(runs[next][0].At)) {
				next = n
			}
		}
		if next < 0 {
			break
		}
		e := runs[next][0]
		out, runs[next] = append(out, Told{Chain: cs[next], Entry: e}), runs[next][1:]
		shown[cs[next].entries] = e.Seq
	}
	if !slices.Contains(more, true) && !slices.ContainsFunc(runs, func(es []Entry) bool { return len(es) > 0 }) {
		return out, "", nil
	}
	raw, err := json.Marshal(shown)
	return out, base64.RawURLEncoding.EncodeToString(raw), err
}

// Told is an entry and the chain that it is of.
type Told struct {
	Chain Chain
	Entry
}

// Contact is the contact whose chain this is; empty for the organisation's.
func (c Chain) Contact() string {
	if owner := strings.TrimPrefix(c.entries, "A#"); strings.HasPrefix(owner, "ct_") {
		return owner
	}
	return ""
}

// Verify walks a whole chain and answers how many entries it has. The fault it answers, an Unready with the code
// "tampered", names the first sequence that was changed, removed, reordered or added; the head is compared too. An open part
// that is missing altogether was erased, which the seal allows.
func (r *Records) Verify(ctx context.Context, c Chain) (int64, error) {
	h, err := r.Head(ctx, c)
	if err != nil {
		return 0, err
	}
	w := walk{chain: c, prev: c.entries}
	for cursor := ""; ; {
		p, err := r.Table.List(ctx, store.Query{Partition: c.entries, Cursor: cursor})
		if err != nil {
			return w.n, err
		}
		for _, it := range p.Items {
			if w.n == h.Seq {
				if err := w.ends(h); err != nil {
					return w.n, err
				}
				// An entry and its head are written together, so a deed that came during the walk has moved the head by
				// now. A head that still ends here knows nothing of this entry, and will not agree with the walk's end.
				if h, err = r.Head(ctx, c); err != nil {
					return w.n, err
				}
			}
			if err := w.step(it); err != nil {
				return w.n, err
			}
		}
		if cursor = p.Cursor; cursor == "" {
			break
		}
	}
	// The list was read after the head, so it cannot end before the head does.
	return w.n, w.ends(h)
}

// walk is a chain as far as it was read.
type walk struct {
	chain Chain
	n     int64
	prev  string
	sums  Head
}

func (w *walk) broken(seq int64, why string) error {
	return fault.Unready.Errorf("the history of %s is broken at entry %d: %s", w.chain.entries, seq, why).Coded("tampered")
}

func (w *walk) step(it store.Item) error {
	seq := w.n + 1
	e, before, ok, err := decode(it)
	switch {
	case err != nil:
		return w.broken(seq, "it cannot be read")
	case e.Seq != seq || it.SK != seqKey(seq):
		return w.broken(seq, "an entry is missing or out of order")
	case before != w.prev:
		return w.broken(seq, "it does not follow the entry before")
	case !ok:
		return w.broken(seq, "its content does not match its seal")
	case it.Book != w.chain.book(e.On, e.At, it.SK, e.Postings):
		return w.broken(seq, "it stands elsewhere in the journal")
	}
	w.n, w.prev = seq, e.Hash
	if w.sums, err = w.sums.moved(e.Postings); err != nil {
		return w.broken(seq, "its amounts cannot be")
	}
	return nil
}

// ends compares the end of the walk with a head.
func (w *walk) ends(h Head) error {
	if w.n != h.Seq || w.n > 0 && w.prev != h.Hash {
		return w.broken(w.n+1, "the head tells of other entries")
	}
	same := len(w.sums.Balances) == len(h.Balances)
	for cur, b := range w.sums.Balances {
		same = same && h.Balances[cur] == b
	}
	if !same {
		return w.broken(w.n, "the balance is not the sum of the entries")
	}
	return nil
}
