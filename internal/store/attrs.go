package store

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The attributes of a stored item. Names are short because DynamoDB charges for them in every item.
//
//	pk sk          the key
//	v              version
//	t              kind; stream mappings filter on it
//	b              body, JSON as a string, or from a KB on deflated, as bytes
//	x              after this it counts as absent for creation, Unix milliseconds
//	expires        when DynamoDB may sweep it, Unix seconds: x and sweepAfter
//	due  dueAt     place in the index due, and likewise for the others
//	list listAt
//	book bookAt
//	w              stamp of the Write that created it, by which that Write recognises itself
const (
	attrPK      = "pk"
	attrSK      = "sk"
	attrVersion = "v"
	attrKind    = "t"
	attrBody    = "b"
	attrExpires = "x"
	attrSweep   = "expires"
	attrStamp   = "w"
)

// sweepAfter keeps an expired item in the table for a day. A swept key starts again at version 1, so whoever read
// the old item must not be able to hold on to it that long: no function runs for more than 15 minutes.
const sweepAfter = 24 * time.Hour

// place names the two attributes of an index.
func (x Index) place() (part, sort string) {
	if x == Main {
		return attrPK, attrSK
	}
	return string(x), string(x) + "At"
}

// of answers where an item stands in this index.
func (x Index) of(it *Item) *Key {
	switch x {
	case Due:
		return &it.Due
	case Book:
		return &it.Book
	case ByList:
		return &it.List
	}
	return &it.Key
}

var indexes = [...]Index{Due, ByList, Book}

// attrNames gives each attribute its code in the embedded file: its position. Only append.
var attrNames = [...]string{
	attrPK, attrSK, attrVersion, attrKind, attrBody, attrExpires, attrSweep, attrStamp,
	"due", "dueAt", "list", "listAt", "book", "bookAt",
}

// attr is one attribute in neutral form: the text of a string or of a number, or bytes.
type attr struct {
	name, value string
	number      bool
	binary      bool
}

func (a attr) size() int {
	if a.number {
		return len(a.name) + numberSize(a.value)
	}
	return len(a.name) + len(a.value)
}

// numberSize is AWS's rule for a number: one byte, and one for every two significant digits.
func numberSize(n string) int {
	digits := strings.TrimRight(strings.TrimLeft(strings.TrimPrefix(n, "-"), "0"), "0")
	size := 1 + (len(digits)+1)/2
	if strings.HasPrefix(n, "-") {
		size++
	}
	return size
}

// attrs lists what is stored of it, which has the Version that it is stored with. An empty stamp is left out.
func (it *Item) attrs(stamp string) []attr {
	as := make([]attr, 0, len(attrNames))
	text := func(name, value string) {
		if value != "" {
			as = append(as, attr{name: name, value: value})
		}
	}
	number := func(name string, value int64) {
		as = append(as, attr{name: name, value: strconv.FormatInt(value, 10), number: true})
	}
	text(attrPK, it.PK)
	text(attrSK, it.SK)
	number(attrVersion, it.Version)
	text(attrKind, it.Kind)
	if len(it.Body) > 0 {
		b := packBody(it.Body)
		as = append(as, attr{name: attrBody, value: b, binary: isPacked(b)})
	}
	if !it.Expires.IsZero() {
		number(attrExpires, it.Expires.UnixMilli())
		number(attrSweep, it.Expires.Add(sweepAfter+time.Second-1).Unix())
	}
	text(attrStamp, stamp)
	for _, x := range indexes {
		part, sort := x.place()
		text(part, x.of(it).PK)
		text(sort, x.of(it).SK)
	}
	return as
}

// itemOf reads an item from its attributes; value answers "" for one that is not there.
func itemOf(value func(name string) string) (Item, error) {
	it := Item{Key: Key{PK: value(attrPK), SK: value(attrSK)}, Kind: value(attrKind)}
	if b := value(attrBody); b != "" {
		var err error
		if it.Body, err = unpackBody(b); err != nil {
			return Item{}, fmt.Errorf("item %q %q: %w", it.PK, it.SK, err)
		}
	}
	for _, n := range [...]struct {
		name string
		set  func(int64)
	}{
		{attrVersion, func(n int64) { it.Version = n }},
		{attrExpires, func(n int64) { it.Expires = time.UnixMilli(n).UTC() }},
	} {
		s := value(n.name)
		if s == "" {
			continue
		}
		i, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return Item{}, fmt.Errorf("store: attribute %s of item %q %q: %w", n.name, it.PK, it.SK, err)
		}
		n.set(i)
	}
	for _, x := range indexes {
		part, sort := x.place()
		*x.of(&it) = Key{PK: value(part), SK: value(sort)}
	}
	return it, nil
}

// projected answers what an index shows of it: where it stands, its kind, and in Book its body.
func (it *Item) projected(x Index) Item {
	if x == Main {
		return *it
	}
	p := Item{Key: it.Key, Kind: it.Kind}
	*x.of(&p) = *x.of(it)
	if x == Book {
		p.Body = it.Body
	}
	return p
}

// expired reports whether the item counts as absent for creation at now.
func (it *Item) expired(now time.Time) bool {
	return !it.Expires.IsZero() && it.Expires.UnixMilli() <= now.UnixMilli()
}
