package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"onebook/internal/store"
)

// readStream reads a whole stream of DynamoDB Local and decodes it as a function would.
func readStream(tb testing.TB, arn string) []store.Change {
	tb.Helper()
	c := dynamodbstreams.New(dynamodbstreams.Options{
		Region: region, Credentials: credentials, BaseEndpoint: aws.String(local.endpoint), Retryer: aws.NopRetryer{},
	})
	ctx := context.Background()
	var all []store.Change
	stream, err := c.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &arn})
	if err != nil {
		tb.Fatal(err)
	}
	for _, shard := range stream.StreamDescription.Shards {
		at, err := c.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{
			StreamArn: &arn, ShardId: shard.ShardId, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
		})
		if err != nil {
			tb.Fatal(err)
		}
		for next := at.ShardIterator; next != nil; {
			out, err := c.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: next})
			if err != nil {
				tb.Fatal(err)
			}
			if len(out.Records) == 0 {
				break
			}
			for _, r := range out.Records {
				change, err := store.DecodeStream(recordJSON(tb, r, arn))
				if err != nil {
					tb.Fatal(err)
				}
				all = append(all, change)
			}
			next = out.NextShardIterator
		}
	}
	return all
}

// recordJSON writes a record of the streams API as Lambda hands it on.
func recordJSON(tb testing.TB, r types.Record, arn string) json.RawMessage {
	tb.Helper()
	d := map[string]any{
		"ApproximateCreationDateTime": r.Dynamodb.ApproximateCreationDateTime.Unix(),
		"Keys":                        imageJSON(r.Dynamodb.Keys),
		"SequenceNumber":              aws.ToString(r.Dynamodb.SequenceNumber),
		"SizeBytes":                   aws.ToInt64(r.Dynamodb.SizeBytes),
		"StreamViewType":              r.Dynamodb.StreamViewType,
	}
	if r.Dynamodb.NewImage != nil {
		d["NewImage"] = imageJSON(r.Dynamodb.NewImage)
	}
	if r.Dynamodb.OldImage != nil {
		d["OldImage"] = imageJSON(r.Dynamodb.OldImage)
	}
	b, err := json.Marshal(map[string]any{
		"eventID": aws.ToString(r.EventID), "eventName": r.EventName, "eventVersion": aws.ToString(r.EventVersion),
		"eventSource": "aws:dynamodb", "awsRegion": region, "dynamodb": d, "eventSourceARN": arn,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func imageJSON(image map[string]types.AttributeValue) map[string]any {
	m := make(map[string]any, len(image))
	for name, v := range image {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			m[name] = map[string]string{"S": v.Value}
		case *types.AttributeValueMemberN:
			m[name] = map[string]string{"N": v.Value}
		case *types.AttributeValueMemberB:
			m[name] = map[string][]byte{"B": v.Value}
		default:
			m[name] = fmt.Sprintf("%T", v)
		}
	}
	return m
}
