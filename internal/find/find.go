// Package find is the index of search terms: what a thing is found by, whole or by its beginning.
//
// A term is one folded word: a name's, an address, the digits of a telephone number, a document's number, the digits
// of an amount. Each lies in the partition of its first two characters, so a search reads one partition from where the
// word begins. Terms are written in the transaction that makes what they lead to true, and only find candidates: who
// reads them loads the thing and decides.
package find

import (
	"context"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"

	"onebook/internal/store"
)

// Kinds of things that are found.
const (
	Contact  = "contact"
	Estimate = "estimate"
	Invoice  = "invoice"
)

// ItemKind is the kind of a term's item.
const ItemKind = "term"

// Hit is one term that a search met, and what it leads to.
type Hit struct {
	Term, Kind, ID string
}

// ascii are letters that people write without their stroke, though Unicode does not take it apart.
var ascii = strings.NewReplacer("ß", "ss", "ł", "l", "ø", "o", "đ", "d", "ð", "d", "þ", "th", "æ", "ae", "œ", "oe", "ı", "i", "ħ", "h")

var apostrophes = strings.NewReplacer("'", "", "’", "", "‘", "", "ʼ", "", "`", "", "´", "", "＇", "")

// Fold makes texts alike that people take for the same: NFKC, lower case, without accents and apostrophes. Only the
// general accents go; marks that spell vowels in other scripts stay.
func Fold(s string) string {
	s = Lower(norm.NFKC.String(apostrophes.Replace(strings.ToValidUTF8(s, " "))))
	s = strings.Map(func(r rune) rune {
		if r >= 0x0300 && r <= 0x036F || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Cc, r) && !unicode.IsSpace(r) {
			return -1
		}
		return r
	}, norm.NFKD.String(s))
	return apostrophes.Replace(norm.NFKC.String(ascii.Replace(s)))
}

// Lower is the lower case of the root locale: İ becomes i with a dot above it, not the Turkish i.
func Lower(s string) string { return cases.Lower(language.Und).String(s) }

// Amount is the term of an amount in minor units. Its sign is left out; the mark keeps amounts apart from numbers.
func Amount(minor int64) string {
	return amountMark + strings.TrimPrefix(strconv.FormatInt(minor, 10), "-")
}

const amountMark = "="

// Partition is where the terms with this beginning lie; of a single character only terms that are no longer are known.
func Partition(term string) string {
	n := 0
	for i := range term {
		if n == 2 {
			return "FIND#" + term[:i]
		}
		n++
	}
	return "FIND#" + term
}

// Key is where the term of a thing lies.
func Key(term, kind, id string) store.Key {
	return store.Key{PK: Partition(term), SK: term + mark(kind) + id}
}

func mark(kind string) string { return "#" + kind + "#" }

// Put answers the operation that makes a thing found by a term. It must not be there yet.
func Put(term, kind, id string) store.Op {
	return store.Put(store.Item{Key: Key(term, kind, id), Kind: ItemKind})
}

// Beginning lists the terms that begin with prefix, in their order, of every kind.
func Beginning(ctx context.Context, t store.Table, prefix string, limit int, cursor string) ([]Hit, string, error) {
	return list(ctx, t, store.Query{Partition: Partition(prefix), Prefix: prefix, Limit: limit, Cursor: cursor})
}

// Whole lists the things of a kind that have exactly this term, at most limit.
func Whole(ctx context.Context, t store.Table, term, kind string, limit int) ([]Hit, error) {
	hits, _, err := list(ctx, t, store.Query{Partition: Partition(term), Prefix: term + mark(kind), Limit: limit})
	return hits, err
}

func list(ctx context.Context, t store.Table, q store.Query) ([]Hit, string, error) {
	p, err := t.List(ctx, q)
	if err != nil {
		return nil, "", err
	}
	hits := make([]Hit, 0, len(p.Items))
	for _, it := range p.Items {
		if h, ok := split(it.SK); ok {
			hits = append(hits, h)
		}
	}
	return hits, p.Cursor, nil
}

// split takes the sort key of a term apart. A term may hold the mark itself, kind and id do not.
func split(sk string) (Hit, bool) {
	last := strings.LastIndexByte(sk, '#')
	if last < 0 {
		return Hit{}, false
	}
	first := strings.LastIndexByte(sk[:last], '#')
	if first < 0 {
		return Hit{}, false
	}
	return Hit{Term: sk[:first], Kind: sk[first+1 : last], ID: sk[last+1:]}, true
}
