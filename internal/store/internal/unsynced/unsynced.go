// Package unsynced lets the store's own tests open a record without fsync, and nothing else do so.
//
// The compiler keeps the promise: only packages below internal/store can import this one, and without its Ticket
// an embedded record always writes through to the disk.
package unsynced

// Ticket admits to store.OpenUnsynced. The zero Ticket does not.
type Ticket struct{ valid bool }

// New makes a valid Ticket.
func New() Ticket { return Ticket{valid: true} }

// Valid reports whether t was made by New.
func (t Ticket) Valid() bool { return t.valid }
