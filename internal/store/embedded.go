package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"onebook/internal/store/internal/unsynced"
)

// Moment is where an attempt of a Write can be disturbed.
type Moment int

// The moments of an attempt.
const (
	BeforeCommit Moment = iota + 1 // an error here is a conflict with another transaction: nothing is written
	AfterCommit                    // an error here loses the answer: it is written, and the writer must find out
)

// Embedded is the Table in one file of this machine, for one process. What Write acknowledged is on the disk.
type Embedded struct {
	// Disturb, if set, is asked at each Moment of each attempt. The embedded table has no conflicts and loses no
	// answers by itself; tests and the local program's fault points make some.
	Disturb func(context.Context, Moment) error
	// Pause waits between attempts; a test replaces it so as not to wait.
	Pause func(context.Context, time.Duration) error

	db    *bolt.DB
	now   func() time.Time
	boot  uint64
	count atomic.Uint64

	gate    sync.RWMutex // guards closed against sends on queue
	closed  bool
	queue   chan *pending
	done    chan struct{}
	wakeup  sync.Mutex
	changed chan struct{}
}

// The buckets of the file, and the number of their form.
var (
	bucketMeta    = []byte("meta")
	bucketItems   = []byte("items")   // pk 0 sk -> attributes
	bucketChanges = []byte("changes") // seq -> change
	keyForm       = []byte("form")
	keyBoots      = []byte("boots")
)

const form = 1

// bucket names the entries of an index: part 0 sort 0 pk 0 sk -> nothing.
func (x Index) bucket() []byte {
	if x == Main {
		return bucketItems
	}
	return []byte("index." + string(x))
}

// ErrClosed is answered by a table that was closed.
var ErrClosed = errors.New("store: the record is closed")

// OpenEmbedded opens the record in the file at path, and makes one if there is none. now is the product's clock,
// by which items expire. It fails at once, with a message for the person who started the program, when the file
// is in use by another process or is no record.
func OpenEmbedded(path string, now func() time.Time) (*Embedded, error) {
	return open(path, now, false)
}

// OpenUnsynced is OpenEmbedded without fsync: a crash of the machine may lose or spoil everything. It is for the
// store's test helper, the only one that can have a valid ticket.
func OpenUnsynced(path string, now func() time.Time, ticket unsynced.Ticket) (*Embedded, error) {
	return open(path, now, ticket.Valid())
}

func open(path string, now func() time.Time, noSync bool) (*Embedded, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout:         time.Nanosecond, // one try
		FreelistType:    bolt.FreelistMapType,
		NoFreelistSync:  true,
		InitialMmapSize: 256 << 20,
		NoSync:          noSync,
		NoGrowSync:      noSync,
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("the record %s is in use by another running program; stop that one first", path)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return nil, fmt.Errorf("the file %s is not a record of this program, or it is damaged: %w", path, err)
	case errors.Is(err, os.ErrPermission), errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("the record cannot be opened: %w", err)
	case err != nil:
		return nil, fmt.Errorf("the record %s cannot be opened: %w", path, err)
	}
	e := &Embedded{
		Pause: pause, db: db, now: now,
		queue: make(chan *pending, maxGroup), done: make(chan struct{}), changed: make(chan struct{}),
	}
	if err := db.Update(e.prepare); err != nil {
		return nil, fmt.Errorf("the record %s cannot be opened: %w", path, errors.Join(err, db.Close()))
	}
	go e.serve()
	return e, nil
}

func (e *Embedded) prepare(tx *bolt.Tx) error {
	for _, name := range [][]byte{bucketMeta, bucketItems, bucketChanges, Due.bucket(), ByList.bucket(), Book.bucket()} {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	tx.Bucket(bucketChanges).FillPercent = 1 // it only grows at its end
	meta := tx.Bucket(bucketMeta)
	if was := meta.Get(keyForm); was != nil && string(was) != strconv.Itoa(form) {
		return fmt.Errorf("it has the form %s, this program knows form %d", was, form)
	}
	if err := meta.Put(keyForm, []byte(strconv.Itoa(form))); err != nil {
		return err
	}
	if was := meta.Get(keyBoots); len(was) == 8 {
		e.boot = binary.BigEndian.Uint64(was)
	}
	e.boot++
	return meta.Put(keyBoots, binary.BigEndian.AppendUint64(nil, e.boot))
}

// Close waits for the writes under way and closes the file. Whoever writes afterwards is told ErrClosed.
func (e *Embedded) Close() error {
	e.gate.Lock()
	if e.closed {
		e.gate.Unlock()
		return nil
	}
	e.closed = true
	close(e.queue)
	e.gate.Unlock()
	<-e.done
	return e.db.Close()
}

// Get reads one item consistently.
func (e *Embedded) Get(ctx context.Context, k Key) (Item, error) {
	if err := k.check(); err != nil {
		return Item{}, err
	}
	it := Item{}
	err := e.view(ctx, func(tx *bolt.Tx) error {
		raw := tx.Bucket(bucketItems).Get(join(k.PK, k.SK))
		if raw == nil {
			return ErrNotFound
		}
		var err error
		it, err = unpack(k, raw)
		return err
	})
	return it, err
}

func (e *Embedded) view(ctx context.Context, fn func(*bolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return busy(err)
	}
	err := e.db.View(fn)
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}

func (e *Embedded) stampAt(ctx context.Context, k Key) (stamp string, err error) {
	err = e.view(ctx, func(tx *bolt.Tx) error {
		if raw := tx.Bucket(bucketItems).Get(join(k.PK, k.SK)); raw != nil {
			values, err := unpackValues(raw)
			stamp = values[attrStamp]
			return err
		}
		return nil
	})
	return stamp, err
}

// join makes a key of parts. Parts hold no NUL, so keys sort as tuples of their parts.
func join(parts ...string) []byte {
	n := len(parts) - 1
	for _, p := range parts {
		n += len(p)
	}
	k := make([]byte, 0, n)
	for i, p := range parts {
		if i > 0 {
			k = append(k, 0)
		}
		k = append(k, p...)
	}
	return k
}

var attrCodes = func() map[string]byte {
	m := make(map[string]byte, len(attrNames))
	for i, name := range attrNames {
		m[name] = byte(i)
	}
	return m
}()

// pack writes an item as code, length, value for each of its attributes. The key stands in the bucket's key.
func pack(it *Item, stamp string) []byte {
	b := make([]byte, 0, len(it.Body)+256)
	for _, a := range it.attrs(stamp) {
		if a.name == attrPK || a.name == attrSK {
			continue
		}
		b = append(b, attrCodes[a.name])
		b = binary.AppendUvarint(b, uint64(len(a.value)))
		b = append(b, a.value...)
	}
	return b
}

var errDamaged = errors.New("store: the record is damaged")

func unpackValues(b []byte) (map[string]string, error) {
	m := make(map[string]string, len(attrNames))
	for len(b) > 0 {
		code := int(b[0])
		n, w := binary.Uvarint(b[1:])
		if w <= 0 || code >= len(attrNames) || n > uint64(len(b)-1-w) {
			return nil, errDamaged
		}
		b = b[1+w:]
		m[attrNames[code]] = string(b[:n])
		b = b[n:]
	}
	return m, nil
}

func unpack(k Key, b []byte) (Item, error) {
	m, err := unpackValues(b)
	if err != nil {
		return Item{}, fmt.Errorf("item %q %q: %w", k.PK, k.SK, err)
	}
	m[attrPK], m[attrSK] = k.PK, k.SK
	return itemOf(func(name string) string { return m[name] })
}

// splitKey takes a bucket's key apart again.
func splitKey(b []byte) []string {
	parts := bytes.Split(b, []byte{0})
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = string(p)
	}
	return out
}
