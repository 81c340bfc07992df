package rig

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"sync"
	"time"

	"onebook/internal/fault"
	"onebook/internal/letter"
)

// Clock is a clock that only the test moves.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now reads it.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Move moves it by d.
func (c *Clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Set moves it to a moment.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t.UTC()
}

// dice are entropy that is the same in each run, as long as it is read in the same order.
type dice struct {
	mu   sync.Mutex
	n    uint64
	rest []byte
}

func (d *dice) Read(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.rest) < len(p) {
		d.n++
		s := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("rig"), d.n))
		d.rest = append(d.rest, s[:]...)
	}
	copy(p, d.rest)
	d.rest = d.rest[len(p):]
	return len(p), nil
}

// Mailbox keeps every letter that was sent.
type Mailbox struct {
	mu   sync.Mutex
	sent []letter.Message
	// Fail, when set, is asked before each letter; what it answers is the answer. A letter whose error is given with sent
	// true went out nevertheless.
	Fail func(m letter.Message) (sent bool, err error)
}

// Send takes a letter.
func (b *Mailbox) Send(_ context.Context, m letter.Message) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var err error
	sent := true
	if b.Fail != nil {
		if sent, err = b.Fail(m); err == nil {
			sent = true
		}
	}
	if sent {
		b.sent = append(b.sent, m)
	}
	if err != nil {
		return "", err
	}
	return "ses-" + strconv.Itoa(len(b.sent)), nil
}

// Sent answers all letters, oldest first.
func (b *Mailbox) Sent() []letter.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]letter.Message(nil), b.sent...)
}

// Blobs are objects with versions.
type Blobs struct {
	mu      sync.Mutex
	objects map[string][]object
	puts    int
}

// object is one version; an empty version is a delete marker.
type object struct {
	version string
	body    []byte
}

// PutOnce stores body unless the key holds something.
func (b *Blobs) PutOnce(ctx context.Context, key string, body []byte, kind string) (string, error) {
	if _, err := b.Current(ctx, key); err == nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.puts++
		return "", fault.Exists.Errorf("there is an object already")
	}
	return b.PutAgain(ctx, key, body, kind)
}

// PutAgain stores body as a new version.
func (b *Blobs) PutAgain(_ context.Context, key string, body []byte, _ string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.puts++
	if b.objects == nil {
		b.objects = map[string][]object{}
	}
	v := fmt.Sprintf("v%d", len(b.objects[key])+1)
	b.objects[key] = append(b.objects[key], object{v, append([]byte(nil), body...)})
	return v, nil
}

// Current answers the version that a key shows.
func (b *Blobs) Current(ctx context.Context, key string) (string, error) {
	_, v, err := b.Get(ctx, key, "")
	return v, err
}

// Get reads an object: the newest version, or the one named.
func (b *Blobs) Get(_ context.Context, key, version string) ([]byte, string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for n := len(b.objects[key]) - 1; n >= 0; n-- {
		o := b.objects[key][n]
		if version == "" && o.version == "" {
			break
		}
		if version == "" || o.version == version {
			return append([]byte(nil), o.body...), o.version, nil
		}
	}
	return nil, "", fault.NotFound.Errorf("there is no such object")
}

// Lose puts a delete marker over a key; with all, its versions go as well.
func (b *Blobs) Lose(key string, all bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if all {
		delete(b.objects, key)
		return
	}
	b.objects[key] = append(b.objects[key], object{})
}

// PresignGet makes an address.
func (b *Blobs) PresignGet(_ context.Context, key, filename string, ttl time.Duration) (string, error) {
	return fmt.Sprintf("https://blobs.example/%s?as=%s&for=%s", key, filename, ttl), nil
}

// Objects answers the keys that hold something, and how often anything was put.
func (b *Blobs) Objects() (keys []string, puts int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for k := range b.objects {
		keys = append(keys, k)
	}
	return keys, b.puts
}
