// Package mailbox stands in for the mail service: it takes what the mail adapter sends over HTTP, keeps it, and
// shows it on a page and as JSON.
//
// A mail that was acknowledged is on disk. It is read back from its MIME form, never from what the sender meant,
// so a broken message looks broken here as it would at the recipient's. What the service reports afterwards
// (sent, delivered, bounced) is handed to the mailhook function as the same notification that it would get.
package mailbox

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"onebook/internal/fault"
)

var (
	mails  = []byte("mail")       // seq → Mail
	raws   = []byte("mail-raw")   // seq → MIME
	queue  = []byte("mail-event") // seq → notification that the mailhook has not taken yet
	byName = []byte("mail-id")    // message id → seq
)

// Mail is one message as a recipient sees it.
type Mail struct {
	ID          string            `json:"id"` // what the service answered
	To          string            `json:"to"` // addresses without names, joined by ", "
	From        string            `json:"from"`
	ReplyTo     string            `json:"replyTo,omitempty"`
	Subject     string            `json:"subject"`
	Text        string            `json:"text"`
	HTML        string            `json:"html"`
	Links       []string          `json:"links"` // in the order of appearance, each once
	Attachments []Attachment      `json:"attachments"`
	At          time.Time         `json:"at"` // by the product's clock
	Tags        map[string]string `json:"tags,omitempty"`
	ConfigSet   string            `json:"configurationSet,omitempty"`
}

// Attachment is one attached file.
type Attachment struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Bytes int    `json:"bytes"`
}

// Mailbox keeps mails. Make it with Open.
type Mailbox struct {
	// Deliver hands a notification to the mailhook function; nil drops them.
	Deliver func(ctx context.Context, notification json.RawMessage) error
	// Keep puts a mail that came in into the bucket; nil takes none.
	Keep        func(ctx context.Context, key string, raw []byte) error
	ReplyDomain string           // of the addresses whose mail comes in
	Now         func() time.Time // the product's clock
	Log         *slog.Logger     // optional

	db    *bbolt.DB
	wake  chan struct{}
	drain sync.Mutex
}

// Open keeps mails in db. A database that does not sync its writes is refused.
func Open(db *bbolt.DB, now func() time.Time) (*Mailbox, error) {
	if db.NoSync {
		return nil, fmt.Errorf("the mailbox: its database does not sync")
	}
	err := db.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{mails, raws, queue, byName} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("the mailbox: %w", err)
	}
	return &Mailbox{Now: now, db: db, wake: make(chan struct{}, 1)}, nil
}

// accept stores a mail and what the service will report about it.
func (m *Mailbox) accept(mail Mail, raw []byte, reports []json.RawMessage) error {
	err := m.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(mails)
		n, err := b.NextSequence()
		if err != nil {
			return err
		}
		v, err := json.Marshal(mail)
		if err != nil {
			return err
		}
		if err := b.Put(key(n), v); err != nil {
			return err
		}
		if err := tx.Bucket(raws).Put(key(n), raw); err != nil {
			return err
		}
		if err := tx.Bucket(byName).Put([]byte(mail.ID), key(n)); err != nil {
			return err
		}
		return enqueue(tx, reports)
	})
	if err != nil {
		return fmt.Errorf("the mail could not be stored: %w", err)
	}
	select {
	case m.wake <- struct{}{}:
	default:
	}
	return nil
}

func enqueue(tx *bbolt.Tx, reports []json.RawMessage) error {
	q := tx.Bucket(queue)
	for _, r := range reports {
		n, err := q.NextSequence()
		if err != nil {
			return err
		}
		if err := q.Put(key(n), r); err != nil {
			return err
		}
	}
	return nil
}

// List answers the mails that keep says yes to, newest first, at most limit (0 is all).
func (m *Mailbox) List(limit int, keep func(Mail) bool) ([]Mail, error) {
	out := []Mail{}
	err := m.db.View(func(tx *bbolt.Tx) error {
		c := tx.Bucket(mails).Cursor()
		for k, v := c.Last(); k != nil; k, v = c.Prev() {
			var mail Mail
			if err := json.Unmarshal(v, &mail); err != nil {
				return err
			}
			if keep == nil || keep(mail) {
				out = append(out, mail)
			}
			if limit > 0 && len(out) == limit {
				return nil
			}
		}
		return nil
	})
	return out, err
}

// Find answers one mail by its id and its MIME form; fault.NotFound when there is none.
func (m *Mailbox) Find(id string) (Mail, []byte, error) {
	var mail Mail
	var raw []byte
	err := m.db.View(func(tx *bbolt.Tx) error {
		k := tx.Bucket(byName).Get([]byte(id))
		if k == nil {
			return fault.NotFound.Errorf("there is no mail %q", id)
		}
		raw = append(raw, tx.Bucket(raws).Get(k)...)
		return json.Unmarshal(tx.Bucket(mails).Get(k), &mail)
	})
	return mail, raw, err
}

// Run hands out the queued notifications until ctx ends.
func (m *Mailbox) Run(ctx context.Context) {
	for {
		wait := time.Hour
		if err := m.Drain(ctx); err != nil && ctx.Err() == nil {
			wait = time.Second // the queue keeps it: try again soon
			if m.Log != nil {
				m.Log.Error("the mailhook refused a notification", "error", err.Error())
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-m.wake:
		case <-time.After(wait):
		}
	}
}

// attempts is how often the service tries to hand a notification to a function that fails.
const attempts = 3

// Drain hands out every queued notification now, in order. One that fails for the third time is dropped, and the
// error says so: the service would put it into a dead-letter queue.
func (m *Mailbox) Drain(ctx context.Context) error {
	m.drain.Lock()
	defer m.drain.Unlock()
	for ctx.Err() == nil {
		var k, v []byte
		err := m.db.View(func(tx *bbolt.Tx) error {
			a, b := tx.Bucket(queue).Cursor().First()
			k, v = append(k, a...), append(v, b...)
			return nil
		})
		if err != nil || len(k) == 0 {
			return err
		}
		var failed error
		if m.Deliver != nil {
			for range attempts {
				if failed = m.Deliver(ctx, v); failed == nil || ctx.Err() != nil {
					break
				}
			}
		}
		if ctx.Err() != nil {
			break
		}
		if err := m.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(queue).Delete(k) }); err != nil {
			return err
		}
		if failed != nil {
			return fmt.Errorf("dropped after %d attempts: %w", attempts, failed)
		}
	}
	return ctx.Err()
}

func key(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
