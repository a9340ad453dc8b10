"""Which part of a country does an area code belong to? Tables alone; `numbers` reads them.

North American area codes stand for the state they were given to: Florida, Oklahoma and Connecticut presume that their area codes
ring in the state. Chinese landline codes stand for the province; a mobile number stands for the whole country.
"""

#: Area codes of the United States by state or territory (ISO 3166-2 without the country).
US_AREA_CODES = {
    "AK": "907",
    "AL": "205 251 256 334 483 659 938",
    "AR": "327 479 501 870",
    "AZ": "480 520 602 623 928",
    "CA": "209 213 279 310 323 341 350 357 369 408 415 424 442 510 530 559 562 619 626 628 650 657 661 669 707 714 738 747 760 "
    "805 818 820 831 837 840 858 909 916 925 949 951",
    "CO": "303 719 720 748 970 983",
    "CT": "203 475 860 959",
    "DC": "202 771",
    "DE": "302",
    "FL": "239 305 321 324 352 386 407 448 561 645 656 689 727 728 754 772 786 813 850 863 904 941 954",
    "GA": "229 404 470 478 678 706 762 770 912 943",
    "HI": "808",
    "IA": "319 515 563 641 712",
    "ID": "208 986",
    "IL": "217 224 309 312 331 447 464 618 630 708 730 773 779 815 847 861 872",
    "IN": "219 260 317 463 574 765 812 930",
    "KS": "316 620 785 913",
    "KY": "270 364 502 606 859",
    "LA": "225 318 337 457 504 985",
    "MA": "339 351 413 508 617 774 781 857 978",
    "MD": "227 240 301 410 443 667",
    "ME": "207",
    "MI": "231 248 269 313 517 586 616 679 734 810 906 947 989",
    "MN": "218 320 507 612 651 763 924 952",
    "MO": "235 314 417 557 573 636 660 816 975",
    "MS": "228 471 601 662 769",
    "MT": "406",
    "NC": "252 336 472 704 743 828 910 919 980 984",
    "ND": "701",
    "NE": "308 402 531",
    "NH": "603",
    "NJ": "201 551 609 640 732 848 856 862 908 973",
    "NM": "505 575",
    "NV": "702 725 775",
    "NY": "212 315 329 332 347 363 465 516 518 585 607 624 631 646 680 716 718 838 845 914 917 929 934",
    "OH": "216 220 234 283 326 330 380 419 436 440 513 567 614 740 937",
    "OK": "405 539 572 580 918",
    "OR": "458 503 541 971",
    "PA": "215 223 267 272 412 445 484 570 582 610 717 724 814 835 878",
    "RI": "401",
    "SC": "803 821 839 843 854 864",
    "SD": "605",
    "TN": "423 615 629 731 865 901 931",
    "TX": "210 214 254 281 325 346 361 409 430 432 469 512 621 682 713 726 737 806 817 830 832 903 915 936 940 945 956 972 979",
    "UT": "385 435 801",
    "VA": "276 434 540 571 686 703 757 804 826 948",
    "VT": "802",
    "WA": "206 253 360 425 509 564",
    "WI": "262 274 353 414 534 608 715 920",
    "WV": "304 681",
    "WY": "307",
}

#: The first digits of Chinese landline numbers (without the trunk 0) by province.
CN_AREA_CODES = {
    "AH": "55 56",
    "BJ": "10",
    "CQ": "23",
    "FJ": "59",
    "GD": "20 66 75 76",
    "GS": "93 94",
    "GX": "77",
    "GZ": "85",
    "HA": "37 39",
    "HB": "27 71 72",
    "HE": "31 33",
    "HI": "89",
    "HL": "45 46",
    "HN": "73 74",
    "JL": "43",
    "JS": "25 51 52",
    "JX": "70 79",
    "LN": "24 41 42",
    "NM": "47 48",
    "NX": "95",
    "QH": "97",
    "SC": "28 81 82 83",
    "SD": "53 54 63",
    "SH": "21",
    "SN": "29 91",
    "SX": "34 35",
    "TJ": "22",
    "XJ": "90 99",
    "XZ": "89",
    "YN": "69 87 88",
    "ZJ": "57 58",
}

STATE_OF = {code: state for state, codes in US_AREA_CODES.items() for code in codes.split()}
PROVINCES_OF: dict[str, tuple[str, ...]] = {}
for _province, _codes in CN_AREA_CODES.items():
    for _code in _codes.split():
        PROVINCES_OF[_code] = (*PROVINCES_OF.get(_code, ()), _province)


def may_be_in(candidates: frozenset[str], region: str) -> bool:
    """Whether somebody who is in one of the candidate regions may be in `region`. `US` stands for all of its states.

    No candidate at all means that nothing is known: then it may be anywhere.
    """
    if region == "*" or not candidates:
        return True
    return any(one == region or one.startswith(region + "-") or region.startswith(one + "-") for one in candidates)
