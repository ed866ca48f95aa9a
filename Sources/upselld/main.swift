print("upselld")
