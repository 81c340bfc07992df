package template_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"onebook/infra/local/template"
)

// small holds one of everything that is read, in the forms in which people write it.
const small = `
Transform: AWS::Serverless-2016-10-31
Parameters:
  SiteUrl: {Type: String, Default: ''}
  Key: {Type: String}
Conditions:
  HasSite: !Not [!Equals [!Ref SiteUrl, '']]
  Both: !And [!Condition HasSite, !Equals [!Ref Key, k]]
Globals:
  Function:
    Timeout: 10
    MemorySize: 256
    Architectures: [arm64]
    Environment: {Variables: {LOG_LEVEL: info}}
Resources:
  Data:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: infra/data.yaml, Parameters: {Site: !Ref SiteUrl}}
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth: {DefaultAuthorizer: Members}
      CorsConfiguration: {AllowOrigins: [!If [HasSite, !Ref SiteUrl, 'https://site.invalid']], MaxAge: 600}
  Sales:
    Type: AWS::Serverless::Function
    Properties:
      Role: !GetAtt SalesRole.Arn
      Timeout: 30
      ReservedConcurrentExecutions: !If [HasSite, 7, !Ref AWS::NoValue]
      Environment:
        Variables:
          TABLE: !GetAtt Data.Outputs.Table
          ARN: {Fn::GetAtt: [Data, Outputs.TableArn]}
          SITE_URL: !Ref SiteUrl
          BOTH: !If [Both, 'yes', 'no']
          JOINED: !Join ['-', [a, !Ref Key, !Select [1, !Split [',', 'x,y']]]]
          SUBBED: !Sub ['${AWS::Region}/${X}/${!Y}/${Data.Outputs.Table}', {X: !Ref Key}]
      EventInvokeConfig: {DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Lost.Arn}}}
      Events:
        Read: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: get, Path: '/v1/orders/{id}'}}
        Open: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: POST, Path: /v1/public/open, Auth: {Authorizer: NONE}}}
        Tick:
          Type: ScheduleV2
          Properties:
            ScheduleExpression: rate(1 minute)
            State: !If [HasSite, ENABLED, DISABLED]
            ScheduleExpressionTimezone: UTC
            Input: '{"asOf":"<aws.scheduler.scheduled-time>"}'
            FlexibleTimeWindow: {Mode: 'OFF'}
            RetryPolicy: {MaximumEventAgeInSeconds: 86400, MaximumRetryAttempts: 185}
            DeadLetterConfig: {Arn: !GetAtt Lost.Arn}
            RoleArn: !GetAtt TickRole.Arn
        Mail: {Type: SNS, Properties: {Topic: !Ref Told, RedrivePolicy: {deadLetterTargetArn: !GetAtt Lost.Arn}}}
        Changes:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Data.Outputs.StreamArn
            StartingPosition: TRIM_HORIZON
            BatchSize: 25
            FunctionResponseTypes: [ReportBatchItemFailures]
            BisectBatchOnFunctionError: true
            MaximumRetryAttempts: 5
            MaximumRecordAgeInSeconds: 21600
            DestinationConfig: {OnFailure: {Type: S3, Destination: !GetAtt Data.Outputs.BucketArn}}
            FilterCriteria: {Filters: [{Pattern: '{"eventName":["INSERT"]}'}]}
  SalesRole:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyName: Rights
          PolicyDocument:
            Statement:
              - {Sid: Table, Effect: Allow, Action: [dynamodb:GetItem], Resource: !GetAtt Data.Outputs.TableArn}
              - Effect: Deny
                Action: dynamodb:DeleteItem
                Resource: !Sub '${Data.Outputs.TableArn}/index/due'
                Condition: {'ForAnyValue:StringLike': {dynamodb:LeadingKeys: ['A#*']}}
  TickRole: {Type: AWS::IAM::Role, Properties: {Policies: [{PolicyDocument: {Statement: {Effect: Allow, Action: a:B, Resource: !GetAtt Sales.Arn}}}]}}
  Lost: {Type: AWS::SQS::Queue}
  Told: {Type: AWS::SNS::Topic}
`

const smallData = `
Parameters: {Site: {Type: String}}
Resources:
  Table: {Type: AWS::DynamoDB::Table, DeletionPolicy: Retain, Properties: {X: !Ref Site}}
  Bucket: {Type: AWS::S3::Bucket, DependsOn: Table}
Outputs:
  Table: {Value: !Ref Table}
  TableArn: {Value: !GetAtt Table.Arn}
  StreamArn: {Value: !GetAtt Table.StreamArn}
  BucketArn: {Value: !GetAtt Bucket.Arn}
`

func load(t *testing.T, root, data string, values map[string]string) (*template.Template, error) {
	t.Helper()
	return template.LoadFS(fstest.MapFS{"template.yaml": {Data: []byte(root)}, "infra/data.yaml": {Data: []byte(data)}}, values)
}

func mustLoad(t *testing.T, values map[string]string) *template.Template {
	t.Helper()
	x, err := load(t, small, smallData, values)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// What a deploy makes of a function is read whole: globals, intrinsics, events, rights.
func TestFunctionIsExpanded(t *testing.T) {
	f, ok := mustLoad(t, nil).Function("sales")
	if !ok {
		t.Fatal("there is no function sales")
	}
	f.Written = nil
	want := template.Function{
		Name: "sales", LogicalID: "Sales", Architectures: []string{"arm64"}, Timeout: 30 * time.Second, Memory: 256, Role: "SalesRole", OnFailure: "Lost",
		Env: map[string]string{
			"LOG_LEVEL": "info", "TABLE": "Data.Table", "ARN": "Data.Table.Arn", "SITE_URL": "", "BOTH": "no",
			"JOINED": "a-Key-y", "SUBBED": "us-east-1/Key/${Y}/Data.Table",
		},
		Routes:  []template.Route{{Event: "Open", Method: "POST", Path: "/v1/public/open"}, {Event: "Read", Method: "GET", Path: "/v1/orders/{id}", Auth: true}},
		Streams: []template.Stream{{Event: "Changes", Source: "Data.Table.StreamArn", Start: "TRIM_HORIZON", Filters: []string{`{"eventName":["INSERT"]}`}, BatchSize: 25, Partial: true, Bisect: true, Retries: 5, MaxAge: 6 * time.Hour, OnFailure: "Data.Bucket"}},
		Schedules: []template.Schedule{{
			Event: "Tick", Expression: "rate(1 minute)", Zone: "UTC", Input: `{"asOf":"<aws.scheduler.scheduled-time>"}`, Flexible: "OFF",
			Retries: 185, MaxAge: 24 * time.Hour, DeadLetter: "Lost", Disabled: true,
		}},
		Topics: []template.Topic{{Event: "Mail", Topic: "Told", DeadLetter: "Lost"}},
		Policy: []template.Statement{
			{Sid: "Table", Effect: "Allow", Actions: []string{"dynamodb:GetItem"}, Resources: []string{"Data.Table"}},
			{Effect: "Deny", Actions: []string{"dynamodb:DeleteItem"}, Resources: []string{"Data.Table/index/due"},
				Conditions: map[string]map[string][]string{"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": {"A#*"}}}},
		},
	}
	if d := cmp.Diff(want, f); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

// The values of a deploy, or of a local run, take the place of names everywhere.
func TestValuesReplaceNames(t *testing.T) {
	x := mustLoad(t, map[string]string{"SiteUrl": "https://a.example", "Key": "k", "Data.Table": "onebook", "Data.Table.Arn": "arn:t", "AWS::Region": "eu-west-1"})
	f, _ := x.Function("sales")
	want := map[string]string{
		"LOG_LEVEL": "info", "TABLE": "onebook", "ARN": "arn:t", "SITE_URL": "https://a.example", "BOTH": "yes", "JOINED": "a-k-y", "SUBBED": "eu-west-1/k/${Y}/onebook",
	}
	if d := cmp.Diff(want, f.Env); d != "" {
		t.Errorf("environment: -want +got\n%s", d)
	}
	if f.Schedules[0].Disabled {
		t.Error("the schedule does not run although the site is known")
	}
	if f.Reserved != 7 {
		t.Errorf("reserved concurrency is %d, not 7", f.Reserved)
	}
	if got := f.Policy[0].Resources[0]; got != "Data.Table" {
		t.Errorf("a right reads %q; rights always read as names", got)
	}
	api, err := x.API()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"https://a.example"}, api.CORS.AllowOrigins); d != "" {
		t.Errorf("origins: %s", d)
	}
	if got := x.Outputs("Data")["TableArn"]; got != "arn:t" {
		t.Errorf("output TableArn is %q", got)
	}
}

// What must be made first is told for parameters of nested stacks, for the API and for events.
func TestEdges(t *testing.T) {
	edges := mustLoad(t, nil).Edges()
	for _, want := range []template.Edge{
		{From: "Sales", To: "Data"}, {From: "Sales", To: "SalesRole"}, {From: "Api", To: "Sales"}, {From: "Sales.Read", To: "Api"},
		{From: "Sales.Tick", To: "TickRole"}, {From: "TickRole", To: "Sales"}, {From: "Data.Bucket", To: "Data.Table"}, {From: "SalesRole", To: "Data"},
	} {
		if !slices.Contains(edges, want) {
			t.Errorf("%v is missing", want)
		}
	}
	if slices.Contains(edges, template.Edge{From: "Sales", To: "TickRole"}) {
		t.Error("a function waits for its schedule, which is made after it")
	}
}

// What CloudFormation would refuse is refused here, naming the file and the place.
func TestRefused(t *testing.T) {
	swap := func(old, new string) (string, string) { return strings.Replace(small, old, new, 1), smallData }
	for name, c := range map[string]struct {
		root, data string
		say        string
	}{
		"unknown reference":         pair(swap("!Ref Told", "!Ref Nobody"))("no parameter or resource Nobody"),
		"unknown resource":          pair(swap("!GetAtt Lost.Arn", "!GetAtt Gone.Arn"))("no resource Gone"),
		"unknown output":            pair(swap("Data.Outputs.Table\n", "Data.Outputs.Tabel\n"))("infra/data.yaml has no output Tabel"),
		"unknown parameter":         pair(swap("{Site: !Ref SiteUrl}", "{Sight: !Ref SiteUrl}"))("infra/data.yaml has no parameter Sight"),
		"parameter not given":       pair(swap("{Site: !Ref SiteUrl}", "{}"))("the parameter Site of infra/data.yaml is not given"),
		"unknown condition":         pair(swap("!If [HasSite, 7,", "!If [HasSight, 7,"))("no condition HasSight"),
		"unknown function":          pair(swap("!Ref Told", "!GetAZs x"))("Fn::GetAZs"),
		"role from elsewhere":       pair(swap("!GetAtt SalesRole.Arn", "'arn:aws:iam::1:role/x'"))("no role of this deployment"),
		"managed policy":            pair(swap("      Timeout: 30\n", "      Timeout: 30\n      Policies: [AmazonDynamoDBFullAccess]\n"))("written out, not named"),
		"event nobody plays":        pair(swap("Type: SNS", "Type: Kinesis"))(`"Kinesis" are not read`),
		"same key twice":            pair(swap("    Timeout: 10\n", "    Timeout: 10\n    Timeout: 11\n"))("Timeout is there twice"),
		"missing file":              pair(swap("infra/data.yaml", "infra/date.yaml"))("infra/date.yaml"),
		"dependency that is absent": {small, strings.Replace(smallData, "DependsOn: Table", "DependsOn: Tabel", 1), "depends on Tabel"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.root == small && c.data == smallData {
				t.Fatal("the defect was not planted")
			}
			_, err := load(t, c.root, c.data, nil)
			if err == nil || !strings.Contains(err.Error(), c.say) {
				t.Errorf("got %v, want an error that says %q", err, c.say)
			}
		})
	}
}

func pair(root, data string) func(string) struct{ root, data, say string } {
	return func(say string) struct{ root, data, say string } {
		return struct{ root, data, say string }{root, data, say}
	}
}

// Our own deployment can be read.
func TestOurs(t *testing.T) {
	x, err := template.Load("../../..", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range x.Functions() {
		t.Logf("%-10s %3d routes, %2d statements, %v", f.Name, len(f.Routes), len(f.Policy), f.Env)
	}
	if _, ok := x.Function("invoices"); !ok {
		t.Error("there is no function invoices")
	}
}
