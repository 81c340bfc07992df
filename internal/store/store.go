// Package store is the one table: items with a key and a version, written all or not at all.
//
// It is the only package that knows DynamoDB. Two drivers keep the same promises, and storetest runs the same
// suite against both: [DynamoDB] in an account or on DynamoDB Local, and [Embedded] in one file on this machine.
//
// The ways to write are few on purpose. Every change names the version that was read, so that two people who
// change one thing cannot overwrite each other; every Write carries at least one create-once item, by which it
// recognises itself when its answer was lost. There is no Scan and no update in place.
package store

import (
	"context"
	"errors"
	"time"

	"onebook/internal/fault"
)

// Limits of DynamoDB, kept by every driver.
const (
	MaxOps       = 100       // operations in one Write
	MaxItemBytes = 400 << 10 // one item, names and values
	MaxTxBytes   = 4 << 20   // all items of one Write
	MaxPageBytes = 1 << 20   // one page of a List
	MaxPage      = 1000      // items of one page
)

// Key is an item's place. SK orders the items of one PK by bytes.
type Key struct{ PK, SK string }

// Index names what a List reads: the table itself or one of the three sparse indexes.
type Index string

// The table and its indexes. An index only finds candidates: it may lag, so a consistent Get and a condition decide.
const (
	Main   Index = ""     // pk, sk; read consistently
	Due    Index = "due"  // what is due: <what>#<shard> / <instant>#<id>
	Book   Index = "book" // what was posted: <yyyy-mm-dd>#<shard> / <time>#<id>
	ByList Index = "list" // what screens list: <kind>#<state>#<shard> / <date>#<id>
)

// Item is one stored thing. Body is its JSON; the rest says where it stands.
type Item struct {
	Key
	Version int64  // counts from 1; 0 when it was never stored, or comes from an index
	Kind    string // what it is, e.g. "invoice": streams filter on it
	Body    []byte // JSON object, opaque to the store

	Due, List, Book Key       // place in each index, zero when it stands in none
	Expires         time.Time // from this millisecond on the item counts as absent for creation; zero is never. Readers check it themselves
}

// ErrNotFound is what Get answers for a key that holds nothing.
var ErrNotFound = fault.NotFound.Errorf("there is no such item")

// ErrConflict is the failure of a condition that was given no Else.
var ErrConflict = fault.Stale.Errorf("it was changed meanwhile; read it again")

// ErrBusy is answered when the table could not be reached, or was throttled or contended, until the deadline.
// Nothing was written, or the write was not recognised as done: repeating the same deed is safe, since its
// create-once items decide.
var ErrBusy = fault.Busy.Errorf("the record is busy; try again in a moment")

// Limit errors: the caller asked for more than the table can hold.
var (
	ErrTooLarge = errors.New("store: item or transaction too large")
	ErrBadWrite = errors.New("store: a write needs 1 to 100 operations on distinct keys, one of them create-once")
)

// Action is what an operation does.
type Action int

// The actions of an Op.
const (
	ActPut Action = iota + 1
	ActDelete
	ActCheck
)

// Op is one operation of a Write. Make it with Put, Delete, Check or Absent.
type Op struct {
	Action Action
	Item   Item
	Err    error // what a failed condition means
}

// Put writes item. With Version 0 it creates: the key must hold nothing, or an item that has expired. With
// Version n it replaces exactly the version that was read. The stored version is Version+1: 1 when created, but
// where an expired item is replaced its version is counted on from, so that who read that one is stale.
func Put(item Item) Op { return Op{Action: ActPut, Item: item} }

// Delete removes exactly the version that was read.
func Delete(k Key, version int64) Op {
	return Op{Action: ActDelete, Item: Item{Key: k, Version: version}}
}

// Check demands that k still holds the version that was read, and changes nothing.
func Check(k Key, version int64) Op {
	return Op{Action: ActCheck, Item: Item{Key: k, Version: version}}
}

// Absent demands that k holds nothing, or only an expired item.
func Absent(k Key) Op { return Op{Action: ActCheck, Item: Item{Key: k}} }

// Else names what a failed condition of this operation means; Write answers err when it is the first that fails.
func (o Op) Else(err error) Op { o.Err = err; return o }

// Query asks for a run of items of one partition, in the order of the sort key.
type Query struct {
	Index     Index
	Partition string
	Prefix    string // sort keys that begin with it
	From, To  string // From ≤ sort key < To; empty is open. Not together with Prefix
	Desc      bool   // newest first
	Limit     int    // 1..MaxPage; 0 means MaxPage
	Cursor    string // of an earlier Page of the same Query; opaque
}

// Page is one answer of List. An empty Cursor means that there is no more; a page may hold fewer items than
// Limit, even none, and still have a Cursor (1 MB a page).
type Page struct {
	Items  []Item
	Cursor string
}

// Table is the one table.
//
// Get reads one item consistently: ErrNotFound when there is none. An expired item that is not yet swept is
// still answered.
//
// List answers a page; over the pages of one listing every item that nobody touched meanwhile is shown exactly once.
// From an index come only Key, Kind and the place in that index, and from Book the Body: Get the item to change it.
// A cursor that is not of the same Query is ErrBadCursor, a partition or bound that no key can have ErrBadKey.
//
// Write commits all operations or none. It answers the Else of the first operation (in the order given) whose
// condition failed, or ErrConflict when that one has none; ErrBusy when it could not be done in time. When the
// answer is lost it finds out whether it had committed, only by its create-once items, and then answers nil. One of
// them should be an item that nobody replaces or deletes, such as a claim or an activity. Not begun at all are:
// ErrBadWrite, ErrTooLarge, ErrBadKey.
type Table interface {
	Get(ctx context.Context, k Key) (Item, error)
	List(ctx context.Context, q Query) (Page, error)
	Write(ctx context.Context, ops ...Op) error
}

// Change is one record of the change stream: an item before and after one write, a nil side meaning absent.
// Changes of one item come in the order of their versions; a change may be delivered more than once.
type Change struct {
	Seq      uint64 // position in the stream
	At       time.Time
	Old, New *Item
}
