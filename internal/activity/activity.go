// Package activity is what was done: timeline, audit trail and books in one sealed, chained entry.
//
// Every deed of the product writes exactly one entry, in the transaction that changes the state it tells of
// ([Records.Do]); one that concerns two chains writes one in each ([Deed.Beside]). The entries of a contact form a chain; so do those of the organisation, one chain a month. An entry
// has a sealed part (sequence, hash of the entry before, instant, actor, kind, ids, postings, names of changed
// fields, and a salted digest of the values that may name a person) and an open part (the salt and the values). The
// hash covers the sealed part alone, so a person can be erased from the open parts while the chain still verifies.
//
// The head of a chain is a versioned item that every deed moves. It carries the sequence, the last hash and the
// balances, which are sums of postings and nothing else. Two deeds on one contact therefore conflict, one of them
// reads again and decides again, and whatever a deed has read of that contact is as it was when it commits.
package activity

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"strings"
	"time"

	"onebook/internal/money"
	"onebook/internal/store"
)

// Account names one side of a posting. Debit is positive (rules.md §11).
type Account string

// The accounts that deeds post to. Tax accounts are made by Tax, cash-like ones are the constants below.
const (
	Receivable  Account = "receivable"
	Withheld    Account = "withheld"
	Revenue     Account = "revenue"
	Deposits    Account = "deposits"
	Credit      Account = "customer-credit"
	Cash        Account = "cash"
	Bank        Account = "bank"
	Clearing    Account = "clearing:stripe"
	Fees        Account = "fees"
	WriteOff    Account = "write-off"
	Rounding    Account = "rounding"
	ExchangeDif Account = "exchange"
	Between     Account = "between-contacts" // what one contact's money does for another's invoice: even over each deed
)

// Tax is the account of one tax code, e.g. Tax("S:19").
func Tax(code string) Account { return Account("tax:" + code) }

// Posting is one movement: minor units of an ISO 4217 currency on an account.
type Posting struct {
	Account  Account `json:"a"`
	Currency string  `json:"c"`
	Amount   int64   `json:"n"`
	Ref      string  `json:"r,omitempty"` // the document or payment it belongs to
}

// Reversed answers the postings that undo these.
func Reversed(ps []Posting) []Posting {
	out := make([]Posting, len(ps))
	for n, p := range ps {
		p.Amount = -p.Amount
		out[n] = p
	}
	return out
}

// Change is one changed field, as a reader should see it.
type Change struct {
	Field string `json:"field"`
	From  string `json:"from,omitempty"`
	To    string `json:"to,omitempty"`
}

// Entry is one deed as it is read back.
type Entry struct {
	Seq      int64
	At       time.Time
	By       By     // ID and Kind are sealed; Name is open
	Kind     string // e.g. "invoice.issued"
	Subject  string // id of the thing it is about
	Refs     map[string]string
	On       string // accounting date, yyyy-mm-dd, of its postings
	Postings []Posting
	Text     string // one plain sentence for the timeline; empty when erased
	Reason   string
	Changes  []Change
	Hash     string
}

// sealed is the part under the hash. Names are short because every deed pays for them; they never change.
type sealed struct {
	Seq      int64             `json:"q"`
	Prev     string            `json:"p"`
	At       time.Time         `json:"t"`
	ByKind   string            `json:"bk"`
	ByID     string            `json:"bi"`
	Kind     string            `json:"k"`
	Subject  string            `json:"s,omitempty"`
	Refs     map[string]string `json:"r,omitempty"`
	On       string            `json:"on,omitempty"`
	Postings []Posting         `json:"po,omitempty"`
	Fields   []string          `json:"f,omitempty"`
	Digest   string            `json:"d"` // of the open part: SHA-256 over salt and each value
}

// open is the part that erasure removes.
type open struct {
	Salt    string   `json:"x"`
	Name    string   `json:"n,omitempty"`
	Text    string   `json:"t,omitempty"`
	Reason  string   `json:"r,omitempty"`
	Changes []Change `json:"c,omitempty"`
}

// digest binds the open values to the sealed part without revealing them: they are erased together or not at all.
func (o open) digest() string {
	h := sha256.New()
	one := func(name, v string) {
		s := sha256.Sum256([]byte(o.Salt + "\x00" + name + "\x00" + v))
		h.Write(s[:])
	}
	one("name", o.Name)
	one("text", o.Text)
	one("reason", o.Reason)
	for _, c := range o.Changes {
		one("field", c.Field)
		one("from", c.From)
		one("to", c.To)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}

// stored is the item's body.
type stored struct {
	Sealed json.RawMessage `json:"s"`
	Hash   string          `json:"h"`
	Open   *open           `json:"o,omitempty"`
}

// ItemKind is the kind of an entry's item, as streams see it.
const ItemKind = "activity"

func hashOf(sealed []byte) string {
	s := sha256.Sum256(sealed)
	return hex.EncodeToString(s[:])
}

func seqKey(seq int64) string { return fmt.Sprintf("%012d", seq) }

// decode reads an entry back. ok is false when its hash or its open part does not match what was sealed, or when the item
// is not exactly as it was written.
func decode(it store.Item) (e Entry, prev string, ok bool, err error) {
	var st stored
	if err := json.Unmarshal(it.Body, &st); err != nil {
		return Entry{}, "", false, fmt.Errorf("activity %s/%s: %w", it.PK, it.SK, err)
	}
	var s sealed
	if err := json.Unmarshal(st.Sealed, &s); err != nil {
		return Entry{}, "", false, fmt.Errorf("activity %s/%s: %w", it.PK, it.SK, err)
	}
	e = Entry{
		Seq: s.Seq, At: s.At, By: By{Kind: s.ByKind, ID: s.ByID}, Kind: s.Kind, Subject: s.Subject,
		Refs: s.Refs, On: s.On, Postings: s.Postings, Hash: st.Hash,
	}
	// What a reader overlooks, such as an unknown member that was once the open part, would be a hole in the seal.
	canonical, err := json.Marshal(st)
	if err != nil {
		return Entry{}, "", false, fmt.Errorf("activity %s/%s: %w", it.PK, it.SK, err)
	}
	ok = hashOf(st.Sealed) == st.Hash && it.SK == seqKey(s.Seq) && bytes.Equal(canonical, it.Body) &&
		it.Kind == ItemKind && it.Expires.IsZero()
	if st.Open != nil {
		e.By.Name, e.Text, e.Reason, e.Changes = st.Open.Name, st.Open.Text, st.Open.Reason, st.Open.Changes
		ok = ok && st.Open.digest() == s.Digest
	} else {
		for _, f := range s.Fields {
			e.Changes = append(e.Changes, Change{Field: f})
		}
	}
	return e, s.Prev, ok, nil
}

// seal makes the item of the next entry of a chain.
func seal(chain Chain, h Head, at time.Time, by By, d Deed, entropy io.Reader) (store.Item, Entry, error) {
	if err := balanced(d.Postings); err != nil {
		return store.Item{}, Entry{}, err
	}
	if len(d.Postings) > 0 && len(d.On) != len("2006-01-02") {
		return store.Item{}, Entry{}, fmt.Errorf("activity: %s posts on no day: %q", d.Kind, d.On)
	}
	salt := make([]byte, 9)
	if _, err := io.ReadFull(entropy, salt); err != nil {
		return store.Item{}, Entry{}, fmt.Errorf("activity: no entropy: %w", err)
	}
	o := open{Salt: base64.RawURLEncoding.EncodeToString(salt), Name: by.Name, Text: d.Text, Reason: d.Reason, Changes: d.Changes}
	s := sealed{
		Seq: h.Seq + 1, Prev: h.Hash, At: at, ByKind: by.Kind, ByID: by.ID, Kind: d.Kind, Subject: d.Subject,
		Refs: d.Refs, On: d.On, Postings: d.Postings, Digest: o.digest(),
	}
	if s.Seq == 1 {
		s.Prev = chain.entries // so that a chain cannot be passed off as another's
	}
	for _, c := range d.Changes {
		s.Fields = append(s.Fields, c.Field)
	}
	sort.Strings(s.Fields)
	raw, err := json.Marshal(s)
	if err != nil {
		return store.Item{}, Entry{}, fmt.Errorf("activity: %w", err)
	}
	st := stored{Sealed: raw, Hash: hashOf(raw), Open: &o}
	body, err := json.Marshal(st)
	if err != nil {
		return store.Item{}, Entry{}, fmt.Errorf("activity: %w", err)
	}
	it := store.Item{Key: store.Key{PK: chain.entries, SK: seqKey(s.Seq)}, Kind: ItemKind, Body: body}
	it.Book = chain.book(d.On, at, it.SK, d.Postings)
	return it, Entry{
		Seq: s.Seq, At: at, By: By{Kind: by.Kind, ID: by.ID, Name: by.Name}, Kind: d.Kind, Subject: d.Subject, Refs: d.Refs,
		On: d.On, Postings: d.Postings, Text: d.Text, Reason: d.Reason, Changes: d.Changes, Hash: st.Hash,
	}, nil
}

// book is where an entry stands in the journal: nowhere without postings.
func (c Chain) book(on string, at time.Time, sk string, ps []Posting) store.Key {
	if len(ps) == 0 {
		return store.Key{}
	}
	return store.Key{
		PK: fmt.Sprintf("%s#%d", on, c.shard),
		SK: at.UTC().Format(time.RFC3339Nano) + "#" + strings.TrimPrefix(c.entries, "A#") + "#" + sk,
	}
}

// balanced demands that the postings of one entry sum to zero in every currency. A deed that does not is a defect
// of ours and must not be written.
func balanced(ps []Posting) error {
	amounts := map[string][]int64{}
	for _, p := range ps {
		amounts[p.Currency] = append(amounts[p.Currency], p.Amount)
	}
	for c, ns := range amounts {
		n, err := money.Sum(ns...)
		if err != nil {
			return err
		}
		if n != 0 {
			return fmt.Errorf("activity: postings are off by %d %s", n, c)
		}
	}
	return nil
}

// level demands that what one part of a deed posts between contacts is taken up by its other parts, in every currency.
func level(d *Deed) error {
	between := map[string]int64{}
	note := func(ps []Posting) {
		for _, p := range ps {
			if p.Account == Between {
				between[p.Currency] += p.Amount
			}
		}
	}
	note(d.Postings)
	for _, b := range d.Beside {
		note(b.Deed.Postings)
	}
	for c, n := range between {
		if n != 0 {
			return fmt.Errorf("activity: %s leaves %d %s between two contacts", d.Kind, n, c)
		}
	}
	return nil
}
