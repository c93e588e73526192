#!/bin/sh
# A customer database for the example: one folder per customer, one file per fact. Prints what it did as JSON.
#
#   crm.sh account|billing|preferences|welcome|active CUSTOMER VALUE
#
# A step is executed at least once, so everything here can be repeated: a fact that is there already is kept.
set -eu
fact=$1 customer=$2 value=$3
folder=${CRM_FOLDER:-crm}/$customer

case $customer in
    *[!a-z0-9-]*) echo "no customer can be named $customer" >&2; exit 65 ;;
esac

mkdir -p "$folder"
[ -e "$folder/$fact" ] || { printf '%s\n' "$value" > "$folder/$fact.$$"; mv "$folder/$fact.$$" "$folder/$fact"; }

case $fact in
    account) printf '{"number": %s, "email": "%s"}\n' "$(printf %s "$customer" | cksum | cut -d' ' -f1)" "$value" ;;
    billing)
        case $value in
            free) cents=0 ;;
            team) cents=4900 ;;
            *) cents=49000 ;;
        esac
        printf '{"plan": "%s", "cents": %s}\n' "$value" "$cents" ;;
    *) printf '{"%s": "%s"}\n' "$fact" "$value" ;;
esac
