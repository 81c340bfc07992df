// Package internal is Onebook: one record for a service business's people, promises, appointments and money.
//
// This is the tour, from the ground up. Each package says in its own comment what it promises; here is where to look.
//
// # The floors
//
// Imports go down only, and a test in internal/arch says so.
//
// Ground, which knows nothing of the product: [onebook/internal/fault] the seven kinds of error a person may be told,
// [onebook/internal/money] amounts and decimals, [onebook/internal/civil] dates, zones and recurrence,
// [onebook/internal/id] ids that hold their contact, [onebook/internal/totals] what a document comes to.
//
// The table: [onebook/internal/store], with one driver for DynamoDB and one for a file on this machine. Every
// write names the versions it read, commits whole or not at all, and recognises itself when its answer was lost.
//
// What things are found by: [onebook/internal/find], the index of search terms.
//
// What every deed leaves behind: [onebook/internal/activity] one sealed entry (timeline, audit and books in one, and the
// head of the contact's chain), [onebook/internal/effect] what is to be done outside, once, and
// [onebook/internal/issue] what could not be done, until it is.
//
// Nouns, each with its type, rules and keys: [onebook/internal/member] people and rights,
// [onebook/internal/org] the organisation and its taxes, [onebook/internal/approval] what takes two persons, [onebook/internal/contact], [onebook/internal/catalog],
// [onebook/internal/series] numbers, [onebook/internal/link] links without an account,
// [onebook/internal/suppression] addresses that get no letters, [onebook/internal/sale] what
// documents have in common, [onebook/internal/deal], [onebook/internal/estimate], [onebook/internal/order], [onebook/internal/invoice],
// [onebook/internal/payment], [onebook/internal/task] what somebody has to do, [onebook/internal/message] what was written.
// Above them [onebook/internal/paper] is the record of a document's one PDF, whichever noun the document is of.
//
// Ways, which need several nouns: [onebook/internal/inquiry] from a stranger's message to a task,
// [onebook/internal/reply] from a client's mail onto the record,
// [onebook/internal/selling] from offer to agreement, [onebook/internal/billing] from
// draft to the client, [onebook/internal/checkout] from the client's money to the books, [onebook/internal/letter] what
// is mailed, [onebook/internal/search] one line of text to anything, [onebook/internal/document] what a PDF looks like, [onebook/internal/printing] how it is made once,
// [onebook/internal/archive] how it is handed out.
//
// Doors: [onebook/internal/api] HTTP, [onebook/internal/hook] Stripe's webhooks, [onebook/internal/relay] the change
// stream, the clock and the mail service.
//
// The outside, one adapter for each port: [onebook/internal/stripepay], [onebook/internal/s3blob],
// [onebook/internal/sesmail], [onebook/internal/cognito], [onebook/internal/phone].
//
// Everything is wired once, in [onebook/internal/app] and the packages below it, each of which links what its functions
// need and nothing more.
//
// # One deed, followed
//
// A client pays. Stripe calls the function stripehook; [onebook/internal/hook] verifies the signature and believes
// nothing else; checkout fetches the payment intent and decides, on fresh reads of the contact's head: the claim of the
// intent, the payment, the invoice, the entry with its postings, the head and the effect of the receipt are one write. When
// the event comes again, or the client's return or the puller tells the same, the claim is taken and nothing changes.
// The stream brings the effect to the function relay, which marks it as being sent and mails; should it die, the sweeper
// goes on a minute later. Whatever fails for good is an issue that a person sees.
package internal
