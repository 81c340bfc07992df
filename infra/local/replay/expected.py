#!/usr/bin/env python3
"""What a replay of the receivables must come to, reckoned from the file alone.

This is the other side of the comparison, so it shares no code with the product or with the replay, and needs the
standard library only. It reads the CSV and writes one JSON document: amounts are whole cents, dates ISO.

    expected.py FILE [ROWS [EVERY]]     ROWS: only the first so many, by date of invoice; 0 is all

With EVERY each EVERYth receivable, counted by date of invoice, is not paid in one sum on its day but, by turns: in two
parts, half of it midway between its issue and its day; with 5.00 too much; half in cash, half by transfer. What was too
much stays as the customer's credit and is used up by the next invoices that are issued to that customer, on the day of
their issue and before anything else is paid on them.
"""

import csv
import datetime
import decimal
import json
import sys

DAY = datetime.timedelta(days=1)


def date(text):
    month, day, year = text.split("/")
    return datetime.date(int(year), int(month), int(day))


def read(path, rows):
    with open(path, newline="") as f:
        found = [
            {
                "source": r["invoiceNumber"],
                "customer": r["customerID"],
                "amount": int(decimal.Decimal(r["InvoiceAmount"]).scaleb(2).to_integral_exact()),
                "issued": date(r["InvoiceDate"]),
                "due": date(r["DueDate"]),
                "settled": date(r["SettledDate"]),
                "days_late": int(r["DaysLate"]),
            }
            for r in csv.DictReader(f)
        ]
    found.sort(key=lambda r: r["issued"])  # stable: within a day, the order of the file
    return found[:rows] if rows else found


def numbered(found):
    """Numbers are YEAR-0001 and so on, from 1 each year, without a gap, in the order of issue."""
    last = {}
    for r in found:
        year = r["issued"].year
        last[year] = last.get(year, 0) + 1
        r["number"] = "%d-%04d" % (year, last[year])
        r["late"] = r["settled"] > r["due"]
        # The file says itself how late each was; if this disagreed, one of us would misread it.
        assert r["days_late"] == max(0, (r["settled"] - r["due"]).days), r
    return {str(y): n for y, n in last.items()}


def month(d):
    return d.isoformat()[:7]


TOO_MUCH = 500
WAYS = ("parts", "over", "two")


def live(found, every):
    """Day by day: what is issued uses the credit there is, then what is settled today is paid. Leaves in each receivable
    its payments (day, cents, what of it was credit) and answers each customer's credit after every day."""
    credit, after = {}, {}
    for n, r in enumerate(found):
        r["way"] = WAYS[n // every % 3] if every and n % every == every - 1 else "plain"
        r["half"] = r["issued"] + (r["settled"] - r["issued"]) // 2 if r["way"] == "parts" else r["settled"]
        r["payments"], r["applied"] = [], 0
    day, last = found[0]["issued"], max(r["settled"] for r in found) + DAY
    while day <= last:
        for r in found:
            if r["issued"] == day:
                r["applied"] = min(credit.get(r["customer"], 0), r["amount"])
                credit[r["customer"]] = credit.get(r["customer"], 0) - r["applied"]
        for r in found:
            owed = r["amount"] - r["applied"]
            first = owed // 2 if r["way"] in ("parts", "two") else 0
            if first and r["half"] == day:
                r["payments"].append((day, first, 0))
            if r["settled"] == day and owed:
                extra = TOO_MUCH if r["way"] == "over" else 0
                r["payments"].append((day, owed - first + extra, extra))
                credit[r["customer"]] = credit.get(r["customer"], 0) + extra
        after[day] = dict(credit)
        day += DAY
    return after


def open_on(r, day):
    """What of a receivable is not paid before a day's payments."""
    return r["amount"] - r["applied"] - sum(cents - extra for on, cents, extra in r["payments"] if on < day)


def days(found):
    """Each day, before its payments, which receivables are overdue: past their day, and not paid before today."""
    day, last = found[0]["issued"], max(r["settled"] for r in found) + DAY
    while day <= last:
        late = [r for r in found if r["due"] < day <= r["settled"]]
        yield {"day": day.isoformat(), "overdue": sorted(r["source"] for r in late), "cents": sum(open_on(r, day) for r in late)}
        day += DAY


def month_ends(found, customers, credit):
    """At the end of each month and of the last day, what each customer owes and has in credit."""
    day, last = found[0]["issued"], max(r["settled"] for r in found)
    while day <= last:
        if (day + DAY).month != day.month or day == last:
            owed = dict.fromkeys(customers, 0)
            for r in found:
                if r["issued"] <= day < r["settled"]:
                    owed[r["customer"]] += open_on(r, day + DAY)
            have = {c: credit[day].get(c, 0) for c in customers}
            yield {"day": day.isoformat(), "owed": owed, "credit": have, "cents": sum(owed.values())}
        day += DAY


def main():
    found = read(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    numbers = numbered(found)
    credit = live(found, int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    names = sorted({r["customer"] for r in found})
    ends = list(month_ends(found, names, credit))
    received = [(on, cents) for r in found for on, cents, _ in r["payments"]]
    customers = []
    for name in names:
        own = [r for r in found if r["customer"] == name]
        billed = sum(r["amount"] for r in own)
        paid = sum(cents for r in own for _, cents, _ in r["payments"])
        customers.append({
            "id": name, "invoices": len(own), "billed": billed, "paid": paid, "balance": billed - paid,
            "late": sum(r["late"] for r in own), "payments": sum(len(r["payments"]) for r in own),
        })
    months = sorted({month(r["issued"]) for r in found} | {month(on) for on, _ in received})
    json.dump(
        {
            "customers": customers,
            "numbers": numbers,
            "months": [
                {
                    "month": m,
                    "billed": sum(r["amount"] for r in found if month(r["issued"]) == m),
                    "paid": sum(cents for on, cents in received if month(on) == m),
                }
                for m in months
            ],
            "days": list(days(found)),
            "monthEnds": ends,
            "receivables": [
                {
                    "source": r["source"], "customer": r["customer"], "amount": r["amount"], "number": r["number"],
                    "issuedOn": r["issued"].isoformat(), "dueOn": r["due"].isoformat(), "paidOn": r["settled"].isoformat(),
                    "late": r["late"],
                }
                for r in found
            ],
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
