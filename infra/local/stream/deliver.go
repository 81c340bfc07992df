package stream

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"
)

type record struct {
	raw json.RawMessage
	seq string
}

// sequence reads a record's number as the function sees it and reports it back.
func sequence(raw json.RawMessage) string {
	var r struct {
		DynamoDB struct{ SequenceNumber string } `json:"dynamodb"`
	}
	json.Unmarshal(raw, &r) // of EncodeStream
	return r.DynamoDB.SequenceNumber
}

// deliver hands one batch to the function, with the service's rules about what fails: a whole batch is cut in half
// or repeated; with partial answers everything from the first failed record on is repeated. What has no tries left
// is put aside.
func (f *Follower) deliver(ctx context.Context, l *lane, batch []record, retries int) {
	rest, err := f.once(ctx, l, batch)
	if err == nil && len(rest) == 0 || ctx.Err() != nil {
		return
	}
	if retries <= 0 {
		f.putAside(l, rest, err)
		return
	}
	if err != nil && l.Bisect && len(rest) > 1 {
		half := len(rest) / 2
		f.deliver(ctx, l, rest[:half], retries-1)
		f.deliver(ctx, l, rest[half:], retries-1)
		return
	}
	f.deliver(ctx, l, rest, retries-1)
}

// once answers what of the batch is not dealt with: all of it after an error.
func (f *Follower) once(ctx context.Context, l *lane, batch []record) ([]record, error) {
	event := struct {
		Records []json.RawMessage `json:"Records"`
	}{}
	for _, r := range batch {
		event.Records = append(event.Records, r.raw)
	}
	payload, err := json.Marshal(event)
	if err != nil {
		return batch, err
	}
	out, err := f.Invoke(ctx, l.Function, payload)
	if err != nil {
		return batch, err
	}
	if !l.Partial || len(out) == 0 || string(out) == "null" {
		return nil, nil
	}
	var answer struct {
		BatchItemFailures []struct {
			ItemIdentifier string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return batch, fmt.Errorf("the function's answer cannot be read: %w", err)
	}
	first := len(batch)
	for _, x := range answer.BatchItemFailures {
		at := -1
		for i, r := range batch {
			if r.seq == x.ItemIdentifier {
				at = i
			}
		}
		if at < 0 {
			// The service takes a number that it did not send as a failure of everything.
			return batch, fmt.Errorf("the function reported %q, which it was not sent", x.ItemIdentifier)
		}
		first = min(first, at)
	}
	return batch[first:], nil
}

// putAside keeps the records that were given up, as the service's on-failure destination does.
func (f *Follower) putAside(l *lane, batch []record, cause error) {
	note := map[string]any{"mapping": l.Name, "function": l.Function, "records": raws(batch)}
	if cause == nil {
		cause = fmt.Errorf("the function reported failures until no tries were left")
	}
	note["error"] = cause.Error()
	v, err := json.Marshal(note)
	if err == nil {
		err = f.db.Update(func(tx *bbolt.Tx) error {
			b := tx.Bucket(aside)
			n, err := b.NextSequence()
			if err != nil {
				return err
			}
			return b.Put(binary.BigEndian.AppendUint64(nil, n), v)
		})
	}
	if err != nil {
		f.note(l, "a batch that failed could not be kept", err)
	}
	f.note(l, "a batch was put aside", cause)
}

func raws(batch []record) []json.RawMessage {
	out := make([]json.RawMessage, len(batch))
	for i, r := range batch {
		out[i] = r.raw
	}
	return out
}
