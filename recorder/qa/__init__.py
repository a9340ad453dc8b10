"""Which calls are judged, by whom, on what form, and what may be said of an agent from them?"""
