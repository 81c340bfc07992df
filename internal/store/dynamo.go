package store

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// API is what the driver needs of DynamoDB's client.
type API interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// DynamoDB is the Table in an account, or on DynamoDB Local. Its role needs dynamodb:GetItem for whatever it may
// create, because that is how a write recognises itself; [Observe] tells every action.
type DynamoDB struct {
	// Pause waits between attempts; a test replaces it so as not to wait.
	Pause func(context.Context, time.Duration) error

	client  API
	table   string
	now     func() time.Time
	entropy io.Reader
}

// NewDynamoDB makes a Table of the table with this name. now is the product's clock, by which items expire;
// entropy gives stamps and jitter and must be safe for concurrent use. The driver repeats by itself what may be
// repeated, so the client needs no retries of its own.
func NewDynamoDB(client API, table string, now func() time.Time, entropy io.Reader) *DynamoDB {
	return &DynamoDB{Pause: pause, client: client, table: table, now: now, entropy: entropy}
}

func (d *DynamoDB) patience() patience { return patience{pause: d.Pause, jitter: d.jitter} }

// jitter spreads writers that met, over the whole pause.
func (d *DynamoDB) jitter(most time.Duration) time.Duration {
	var b [8]byte
	if _, err := io.ReadFull(d.entropy, b[:]); err != nil {
		return most
	}
	return time.Duration(binary.BigEndian.Uint64(b[:]) % uint64(most))
}

// Get reads one item consistently.
func (d *DynamoDB) Get(ctx context.Context, k Key) (Item, error) {
	if err := k.check(); err != nil {
		return Item{}, err
	}
	var it Item
	err := d.patience().read(ctx, func() error {
		image, err := d.image(ctx, k)
		if err != nil {
			return err
		}
		if len(image) == 0 {
			return ErrNotFound
		}
		it, err = itemOf(valueIn(image))
		return err
	})
	return it, err
}

func (d *DynamoDB) image(ctx context.Context, k Key) (map[string]types.AttributeValue, error) {
	out, err := d.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &d.table, Key: keyImage(k), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, classify(err)
	}
	return out.Item, nil
}

func (d *DynamoDB) stampAt(ctx context.Context, k Key) (string, error) {
	image, err := d.image(ctx, k)
	return valueIn(image)(attrStamp), err
}

// List answers a page. The table itself is read consistently, an index as far as it has come.
func (d *DynamoDB) List(ctx context.Context, q Query) (Page, error) {
	if err := q.check(); err != nil {
		return Page{}, err
	}
	at, more, err := q.position()
	if err != nil {
		return Page{}, err
	}
	if q.empty() {
		return Page{}, nil
	}
	in := d.query(&q)
	if more {
		in.ExclusiveStartKey = startKey(&q, at)
	}
	var page Page
	err = d.patience().read(ctx, func() error {
		out, err := d.client.Query(ctx, in)
		if err != nil {
			return classify(err)
		}
		page, err = pageOf(&q, out)
		return err
	})
	return page, err
}

func (d *DynamoDB) query(q *Query) *dynamodb.QueryInput {
	part, sort := q.Index.place()
	in := &dynamodb.QueryInput{
		TableName:                 &d.table,
		ScanIndexForward:          aws.Bool(!q.Desc),
		Limit:                     aws.Int32(int32(q.limit())),
		ExpressionAttributeNames:  map[string]string{"#p": part},
		ExpressionAttributeValues: map[string]types.AttributeValue{":p": text(q.Partition)},
	}
	if q.Index == Main {
		in.ConsistentRead = aws.Bool(true)
	} else {
		in.IndexName = aws.String(string(q.Index))
	}
	cond := "#p = :p"
	bound := func(expr string, values map[string]string) {
		cond += " AND " + expr
		in.ExpressionAttributeNames["#s"] = sort
		for name, v := range values {
			in.ExpressionAttributeValues[name] = text(v)
		}
	}
	switch {
	case q.Prefix != "":
		bound("begins_with(#s, :x)", map[string]string{":x": q.Prefix})
	case q.From != "" && q.To != "":
		bound("#s BETWEEN :a AND :b", map[string]string{":a": q.From, ":b": q.To})
	case q.From != "":
		bound("#s >= :a", map[string]string{":a": q.From})
	case q.To != "":
		bound("#s < :b", map[string]string{":b": q.To})
	}
	in.KeyConditionExpression = &cond
	return in
}

// pageOf drops what lies at To itself, because BETWEEN includes it and a key takes only one condition.
func pageOf(q *Query, out *dynamodb.QueryOutput) (Page, error) {
	page := Page{}
	for _, image := range out.Items {
		it, err := itemOf(valueIn(image))
		if err != nil {
			return Page{}, err
		}
		if q.has(q.Index.of(&it).SK) {
			page.Items = append(page.Items, it)
		}
	}
	if len(out.LastEvaluatedKey) > 0 {
		value := valueIn(out.LastEvaluatedKey)
		_, sort := q.Index.place()
		page.Cursor = q.cursorAt(position{sort: value(sort), key: Key{PK: value(attrPK), SK: value(attrSK)}})
	}
	return page, nil
}

func startKey(q *Query, at position) map[string]types.AttributeValue {
	k := keyImage(at.key)
	part, sort := q.Index.place()
	k[part], k[sort] = text(q.Partition), text(at.sort)
	return k
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func keyImage(k Key) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{attrPK: text(k.PK), attrSK: text(k.SK)}
}

func image(as []attr) map[string]types.AttributeValue {
	m := make(map[string]types.AttributeValue, len(as))
	for _, a := range as {
		switch {
		case a.number:
			m[a.name] = &types.AttributeValueMemberN{Value: a.value}
		case a.binary:
			m[a.name] = &types.AttributeValueMemberB{Value: []byte(a.value)}
		default:
			m[a.name] = text(a.value)
		}
	}
	return m
}

func valueIn(image map[string]types.AttributeValue) func(string) string {
	return func(name string) string {
		switch v := image[name].(type) {
		case *types.AttributeValueMemberS:
			return v.Value
		case *types.AttributeValueMemberN:
			return v.Value
		case *types.AttributeValueMemberB:
			return string(v.Value)
		}
		return ""
	}
}

// stamp is new for every Write: 96 random bits.
func (d *DynamoDB) stamp() (string, error) {
	var b [stampLen * 6 / 8]byte
	if _, err := io.ReadFull(d.entropy, b[:]); err != nil {
		return "", fmt.Errorf("store: no entropy: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}
