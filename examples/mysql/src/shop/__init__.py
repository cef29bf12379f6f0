"""Asks a database."""

import os

import MySQLdb


def main() -> None:
    connection = MySQLdb.connect(host=os.environ["MYSQL_HOST"], port=int(os.environ["MYSQL_PORT"]), user="shop", database="test")
    with connection.cursor() as cursor:
        cursor.execute("SELECT VERSION(), %s * 7", [6])
        version, answer = cursor.fetchone()
    print(f"{version} says {answer}")
