package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"onebook/infra/local/gateway"
	"onebook/infra/local/schedule"
	"onebook/infra/local/stream"
	"onebook/infra/local/template"
	"onebook/internal/fault"
	"onebook/internal/hook"
	"onebook/internal/s3blob"
	"onebook/internal/sesmail"
	"onebook/internal/store"
)

// product is a small business of its own, to try the program with: a note is posted, kept in the record, written
// as a document, mailed to its reader, and on its day archived by the sweeper.
type product struct {
	Parts
	blobs  *s3blob.Blobs
	mailer *sesmail.Mailer
}

const archived = "archive#0"

func testDeployment(string) (Deployment, error) {
	notes, err := stream.ParseFilter(`{"eventName":["INSERT"],"dynamodb":{"NewImage":{"t":{"S":["note"]}}}}`)
	if err != nil {
		return Deployment{}, err
	}
	allow := func(actions []string, resource string) template.Statement {
		return template.Statement{Effect: "Allow", Actions: actions, Resources: []string{resource}}
	}
	table := allow([]string{"dynamodb:GetItem", "dynamodb:PutItem"}, tableResource)
	return Deployment{
		Policies: map[string][]template.Statement{
			"notes": {table}, "mailhook": {table},
			"relay":      {allow([]string{"ses:SendEmail", "ses:SendRawEmail"}, mailResource)},
			"pdf":        {allow([]string{"s3:PutObject"}, documents+"/notes/*")},
			"sweeper":    {table, allow([]string{"dynamodb:Query"}, tableResource+"/index/due")},
			"stripehook": {table, allow([]string{"secretsmanager:GetSecretValue"}, secretWebhook)},
		},
		Routes: []gateway.Route{
			{Method: "POST", Path: "/v1/notes", Auth: true, Function: "notes"},
			{Method: "GET", Path: "/v1/notes/{id}", Auth: true, Function: "notes"},
			{Method: "POST", Path: "/hooks/stripe", Function: "stripehook"},
			{Method: "GET", Path: "/v1/public/broken", Function: "broken"},
		},
		Timeouts:  map[string]time.Duration{"notes": 10 * time.Second, "relay": 30 * time.Second, "pdf": 30 * time.Second, "sweeper": time.Minute},
		Streams:   []stream.Mapping{{Name: "relay", Function: "relay", Filters: []stream.Filter{notes}}, {Name: "pdf", Function: "pdf", Filters: []stream.Filter{notes}}},
		Schedules: []schedule.Schedule{{Name: "sweep", Expression: "rate(1 minute)", Function: "sweeper"}},
		MailEvent: "mailhook",
		Buckets:   map[string]string{bucketName: documents},
	}, nil
}

func testBuild(p Parts) (Product, error) {
	x := &product{Parts: p,
		blobs: s3blob.New(bucketName, s3blob.Options{Region: p.Region, Credentials: p.Credentials("pdf"), Endpoint: p.S3, HTTP: p.HTTP}),
		mailer: &sesmail.Mailer{Client: sesmail.NewClient(sesmail.Options{Region: p.Region, Credentials: p.Credentials("relay"), Endpoint: p.SES, HTTP: p.HTTP}),
			From: mail.Address{Address: "no-reply@studio.example"}, Now: p.Now}}
	return Product{
		Functions: Functions{"notes": x.notes, "relay": x.relay, "pdf": x.pdf, "mailhook": x.mailhook, "sweeper": x.sweeper,
			"stripehook": x.stripehook,
			"broken":     func(context.Context, json.RawMessage) (json.RawMessage, error) { panic("broken") }},
		Due: func(ctx context.Context, after time.Time) (time.Time, error) {
			page, err := p.Table.List(ctx, store.Query{Index: store.Due, Partition: archived, From: stamp(after.Add(1)), Limit: 1})
			if err != nil || len(page.Items) == 0 {
				return time.Time{}, err
			}
			return time.Parse(stampForm, strings.SplitN(page.Items[0].Due.SK, "#", 2)[0])
		},
		Seed: func(ctx context.Context) error {
			_, err := x.put(ctx, "seeded", "demo@example.com", 0)
			if errors.Is(err, fault.Exists) {
				return nil
			}
			return err
		},
	}, nil
}

const stampForm = "2006-01-02T15:04:05.000000000Z"

func stamp(t time.Time) string { return t.UTC().Format(stampForm) }

type note struct {
	ID, Reader string
	At         time.Time
}

func (x *product) put(ctx context.Context, id, reader string, days int) (note, error) {
	n := note{ID: id, Reader: reader, At: x.Now()}
	body, err := json.Marshal(n)
	if err != nil {
		return n, err
	}
	item := store.Item{Key: store.Key{PK: "NOTE#" + id, SK: "NOTE"}, Kind: "note", Body: body}
	if days > 0 {
		item.Due = store.Key{PK: archived, SK: stamp(n.At.AddDate(0, 0, days)) + "#" + id}
	}
	return n, x.Table.Write(ctx, store.Put(item).Else(fault.Exists.Errorf("there is a note %s", id)))
}

func (x *product) notes(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	answer := func(status int, body any) (json.RawMessage, error) {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		return json.Marshal(events.APIGatewayV2HTTPResponse{StatusCode: status, Headers: map[string]string{"content-type": "application/json"}, Body: string(b)})
	}
	if id := e.PathParameters["id"]; id != "" {
		item, err := x.Table.Get(ctx, store.Key{PK: "NOTE#" + id, SK: "NOTE"})
		if errors.Is(err, fault.NotFound) {
			return answer(404, map[string]string{"code": "not_found"})
		}
		if err != nil {
			return nil, err
		}
		return answer(200, json.RawMessage(item.Body))
	}
	var in struct {
		ID, Reader string
		Days       int
	}
	if err := json.Unmarshal([]byte(e.Body), &in); err != nil {
		return answer(400, map[string]string{"code": "malformed"})
	}
	n, err := x.put(ctx, in.ID, in.Reader, in.Days)
	switch {
	case errors.Is(err, fault.Exists):
		return answer(409, map[string]string{"code": "exists"})
	case errors.Is(err, fault.Busy):
		return answer(503, map[string]string{"code": "busy"})
	case err != nil:
		return nil, err
	}
	return answer(201, n)
}

func (x *product) each(payload json.RawMessage, do func(note) error) error {
	var e struct{ Records []json.RawMessage }
	if err := json.Unmarshal(payload, &e); err != nil {
		return err
	}
	for _, raw := range e.Records {
		c, err := store.DecodeStream(raw)
		if err != nil {
			return err
		}
		var n note
		if err := json.Unmarshal(c.New.Body, &n); err != nil {
			return err
		}
		if err := do(n); err != nil {
			return err
		}
	}
	return nil
}

func (x *product) relay(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
	return nil, x.each(payload, func(n note) error {
		_, err := x.mailer.Send(ctx, sesmail.Message{To: []mail.Address{{Address: n.Reader}}, Subject: "Note " + n.ID, Tag: n.ID,
			Text: "Read " + x.Base + "/i/#" + n.ID})
		return err
	})
}

func (x *product) pdf(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
	return nil, x.each(payload, func(n note) error {
		_, err := x.blobs.PutOnce(ctx, "notes/"+n.ID+".pdf", []byte("%PDF "+n.ID), "application/pdf")
		if errors.Is(err, fault.Exists) {
			return nil
		}
		return err
	})
}

func (x *product) mailhook(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
	var e events.SNSEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	var report struct {
		EventType string
		Mail      struct{ Tags map[string][]string }
	}
	if err := json.Unmarshal([]byte(e.Records[0].SNS.Message), &report); err != nil {
		return nil, err
	}
	err := x.Table.Write(ctx, store.Put(store.Item{Key: store.Key{PK: "MAIL#" + report.Mail.Tags["effect"][0], SK: report.EventType}, Kind: "report", Body: []byte(`{}`)}))
	if errors.Is(err, fault.Stale) {
		return nil, nil
	}
	return nil, err
}

func (x *product) stripehook(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	secret, err := x.Secret(ctx, secretWebhook)
	if err != nil {
		return nil, err
	}
	ev, err := hook.Verify([]byte(e.Body), e.Headers["stripe-signature"], []string{secret}, x.Now())
	if err != nil {
		return json.Marshal(events.APIGatewayV2HTTPResponse{StatusCode: 400})
	}
	err = x.Table.Write(ctx, store.Put(store.Item{Key: store.Key{PK: "EVENT#" + ev.Type, SK: ev.ID}, Kind: "event", Body: []byte(`{}`)}))
	if err != nil && !errors.Is(err, fault.Stale) {
		return nil, err
	}
	return json.Marshal(events.APIGatewayV2HTTPResponse{StatusCode: 200})
}

// sweeper archives what is due: the note loses its place in the index.
func (x *product) sweeper(ctx context.Context, _ json.RawMessage) (json.RawMessage, error) {
	page, err := x.Table.List(ctx, store.Query{Index: store.Due, Partition: archived, To: stamp(x.Now().Add(1))})
	if err != nil {
		return nil, err
	}
	for _, found := range page.Items {
		item, err := x.Table.Get(ctx, found.Key)
		if err != nil {
			return nil, err
		}
		item.Due = store.Key{}
		done := store.Item{Key: store.Key{PK: item.PK, SK: "ARCHIVED"}, Kind: "archived", Body: fmt.Appendf(nil, `{"at":%q}`, x.Now().Format(time.RFC3339))}
		if err := x.Table.Write(ctx, store.Put(item), store.Put(done)); err != nil && !errors.Is(err, fault.Stale) {
			return nil, err
		}
	}
	return nil, nil
}

// part is the middle of a token, readable.
func part(token string) map[string]any {
	b, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	var out map[string]any
	if err != nil || json.Unmarshal(b, &out) != nil {
		return nil
	}
	return out
}
