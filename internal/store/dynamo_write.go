package store

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// Write commits all operations or none, always as one transaction: also a single operation, because a deed of
// one operation is rare and a second way to write would have to keep all the same promises.
func (d *DynamoDB) Write(ctx context.Context, ops ...Op) error {
	if err := checkWrite(ops); err != nil {
		return err
	}
	stamp, err := d.stamp()
	if err != nil {
		return err
	}
	w := &write{ops: ops, stamp: stamp, now: d.now()}
	return w.run(ctx, d, d.patience())
}

// commit makes one attempt. A create first demands that the key holds nothing; only when it holds an expired
// item is that very version replaced, so that versions go on counting and never repeat.
func (d *DynamoDB) commit(ctx context.Context, w *write) error {
	over := map[int]int64{} // versions of expired items, by operation
	for range maxReplacement {
		in := &dynamodb.TransactWriteItemsInput{TransactItems: make([]types.TransactWriteItem, len(w.ops))}
		for i := range w.ops {
			in.TransactItems[i] = d.transactItem(w, i, over[i])
		}
		_, err := d.client.TransactWriteItems(ctx, in)
		var canceled *types.TransactionCanceledException
		if !errors.As(err, &canceled) {
			return classify(err)
		}
		again, err := w.verdict(canceled.CancellationReasons, over)
		if !again {
			return err
		}
	}
	return errContended
}

// verdict reads why a transaction was cancelled: the first operation, in the order given, that could not be done.
// It answers again when nothing stood in the way but items that have expired, having noted their versions.
func (w *write) verdict(reasons []types.CancellationReason, over map[int]int64) (again bool, err error) {
	var verdict error
	for i, r := range reasons {
		code := aws.ToString(r.Code)
		if i >= len(w.ops) || code == "" || code == "None" {
			continue
		}
		if code != "ConditionalCheckFailed" {
			if verdict == nil {
				verdict = classifyReason(code, aws.ToString(r.Message))
			}
			continue
		}
		value := valueIn(r.Item)
		if w.ops[i].creates() && value(attrStamp) == w.stamp {
			return false, nil
		}
		replaceable, err := w.replaceable(i, value, over)
		switch {
		case err != nil:
			return false, err
		case replaceable:
			again = true
		case verdict == nil:
			verdict = refused{at: i}
		}
	}
	if verdict != nil {
		return false, verdict
	}
	if !again {
		return false, errContended
	}
	return true, nil
}

// replaceable reports whether the create at i failed only because of an item that has expired, or one that was
// swept since it was noted, and notes what to replace.
func (w *write) replaceable(i int, value func(string) string, over map[int]int64) (bool, error) {
	if !w.ops[i].creates() {
		return false, nil
	}
	old, err := itemOf(value)
	if err != nil {
		return false, err
	}
	if old.Version == 0 {
		_, noted := over[i]
		delete(over, i)
		return noted, nil
	}
	if !old.expired(w.now) {
		return false, nil
	}
	over[i] = old.Version
	return true, nil
}

func (d *DynamoDB) transactItem(w *write, i int, over int64) types.TransactWriteItem {
	op := &w.ops[i]
	cond, values := condition(op, over, w.now)
	allOld := types.ReturnValuesOnConditionCheckFailureAllOld
	switch op.Action {
	case ActDelete:
		return types.TransactWriteItem{Delete: &types.Delete{
			TableName: &d.table, Key: keyImage(op.Item.Key), ConditionExpression: &cond, ExpressionAttributeValues: values,
		}}
	case ActCheck:
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: &d.table, Key: keyImage(op.Item.Key), ConditionExpression: &cond, ExpressionAttributeValues: values,
		}}
	}
	put := &types.Put{TableName: &d.table, ConditionExpression: &cond, ExpressionAttributeValues: values}
	it := op.stored(over)
	if op.creates() {
		put.Item = image(it.attrs(w.stamp))
		put.ReturnValuesOnConditionCheckFailure = allOld
	} else {
		put.Item = image(it.attrs(""))
	}
	return types.TransactWriteItem{Put: put}
}

func condition(op *Op, over int64, now time.Time) (string, map[string]types.AttributeValue) {
	number := func(n int64) types.AttributeValue {
		return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
	}
	switch {
	case op.creates() && over > 0:
		return "v = :v AND x <= :now", map[string]types.AttributeValue{":v": number(over), ":now": number(now.UnixMilli())}
	case op.creates():
		return "attribute_not_exists(pk)", nil
	case op.Item.Version == 0:
		return "attribute_not_exists(pk) OR x <= :now", map[string]types.AttributeValue{":now": number(now.UnixMilli())}
	}
	return "v = :v", map[string]types.AttributeValue{":v": number(op.Item.Version)}
}

// classify tells what an error of the client means for the attempt. Without an answer of the service, or with one
// that it failed, nobody knows whether it was done.
func classify(err error) error {
	if err == nil {
		return nil
	}
	var api smithy.APIError
	var params smithy.InvalidParamsError
	var serialization *smithy.SerializationError
	switch {
	case errors.As(err, &params), errors.As(err, &serialization):
		return err
	case !errors.As(err, &api):
		return errors.Join(errLost, err)
	}
	switch api.ErrorCode() {
	case "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded",
		"TransactionConflictException", "ReplicatedWriteConflictException":
		return errors.Join(errContended, err)
	case "TransactionInProgressException", "InternalServerError", "ServiceUnavailable", "RequestTimeout":
		return errors.Join(errLost, err)
	}
	if api.ErrorFault() == smithy.FaultServer {
		return errors.Join(errLost, err)
	}
	return err
}

func classifyReason(code, message string) error {
	switch code {
	case "TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError":
		return errors.Join(errContended, errors.New("store: "+code))
	}
	return errors.New("store: transaction canceled: " + code + " " + message)
}
