#!/usr/bin/env python3
"""What a replay of the receivables must come to, reckoned from the file alone.

This is the other side of the comparison, so it shares no code with the product or with the replay, and needs the
standard library only. It reads the CSV and writes one JSON document: amounts are whole cents, dates ISO.

    expected.py FILE [ROWS]     ROWS: only the first so many, by date of invoice
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


def days(found):
    """Each day, before its payments, which receivables are overdue: past their day, and not paid before today."""
    day, last = found[0]["issued"], max(r["settled"] for r in found) + DAY
    while day <= last:
        late = [r for r in found if r["due"] < day <= r["settled"]]
        yield {"day": day.isoformat(), "overdue": sorted(r["source"] for r in late), "cents": sum(r["amount"] for r in late)}
        day += DAY


def month_ends(found, customers):
    """At the end of each month and of the last day, what each customer owes."""
    day, last = found[0]["issued"], max(r["settled"] for r in found)
    while day <= last:
        if (day + DAY).month != day.month or day == last:
            owed = dict.fromkeys(customers, 0)
            for r in found:
                if r["issued"] <= day < r["settled"]:
                    owed[r["customer"]] += r["amount"]
            yield {"day": day.isoformat(), "owed": owed, "cents": sum(owed.values())}
        day += DAY


def main():
    found = read(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    numbers = numbered(found)
    names = sorted({r["customer"] for r in found})
    ends = list(month_ends(found, names))
    customers = []
    for name in names:
        own = [r for r in found if r["customer"] == name]
        billed = sum(r["amount"] for r in own)
        paid = sum(r["amount"] for r in own if r["settled"].isoformat() <= ends[-1]["day"])
        customers.append({
            "id": name, "invoices": len(own), "billed": billed, "paid": paid, "balance": billed - paid,
            "late": sum(r["late"] for r in own),
        })
    months = sorted({month(r["issued"]) for r in found} | {month(r["settled"]) for r in found})
    json.dump(
        {
            "customers": customers,
            "numbers": numbers,
            "months": [
                {
                    "month": m,
                    "billed": sum(r["amount"] for r in found if month(r["issued"]) == m),
                    "paid": sum(r["amount"] for r in found if month(r["settled"]) == m),
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
