"""Small made-up tables in the column layouts of well-known public data sets."""

# ruff: noqa: E501 (a table has one row a line)

from __future__ import annotations

SPARKOV = """\
trans_date_trans_time,cc_num,merchant,category,amt,first,last,gender,street,city,state,zip,lat,long,city_pop,job,dob,trans_num,unix_time,merch_lat,merch_long,is_fraud
2019-01-01 00:00:18,2703186189652095,"fraud_Rippin, Kub and Mann",misc_net,4.97,Jennifer,Banks,F,561 Perry Cove,Moravian Falls,NC,28654,36.0788,-81.1781,3495,"Psychologist, counselling",1988-03-09,0b242abb623afc578575680df30655b9,1325376018,36.011293,-82.048315,0
"""
PAYSIM = """\
step,type,amount,nameOrig,oldbalanceOrg,newbalanceOrig,nameDest,oldbalanceDest,newbalanceDest,isFraud,isFlaggedFraud
1,PAYMENT,9839.64,C1231006815,170136.0,160296.36,M1979787155,0.0,0.0,0,0
1,TRANSFER,181.0,C1305486145,181.0,0.0,C553264065,0.0,0.0,1,0
2,CASH_OUT,181.0,C840083671,181.0,0.0,C38997010,21182.0,0.0,1,0
"""
IEEE_CIS = """\
TransactionID,isFraud,TransactionDT,TransactionAmt,ProductCD,card1,card2,card3,card4,card5,card6,addr1,addr2,dist1,dist2,P_emaildomain,R_emaildomain,C1
2987000,0,86400,68.5,W,13926,,150.0,discover,142.0,credit,315.0,87.0,19.0,,,,1.0
2987001,0,86401,29.0,W,2755,404.0,150.0,mastercard,102.0,credit,325.0,87.0,,,gmail.com,,1.0
2987010,1,86549,75.887,C,16496,352.0,117.0,mastercard,134.0,credit,,,,,gmail.com,gmail.com,1.0
"""
ULB_CARDS = """\
"Time","V1","V2","V28","Amount","Class"
0,-1.3598071336738,-0.0727811733098497,-0.0210530534538215,149.62,"0"
1,1.19185711131486,0.26615071205963,0.0147241691924927,2.69,"0"
406,-2.3122265423263,1.95199201064158,-0.143275874698919,0,"1"
"""
BANKSIM = """\
step,customer,age,gender,zipcodeOri,merchant,zipMerchant,category,amount,fraud
0,'C1093826151','4','M','28007','M348934600','28007','es_transportation',4.55,0
0,'C352968107','2','M','28007','M348934600','28007','es_transportation',39.68,0
1,'C2054744914','4','F','28007','M1823072687','28007','es_sportsandtoys',26.89,1
"""
TABFORMER = """\
User,Card,Year,Month,Day,Time,Amount,Use Chip,Merchant Name,Merchant City,Merchant State,Zip,MCC,Errors?,Is Fraud?
0,0,2002,9,1,06:21,$134.09,Swipe Transaction,3527213246127876953,La Verne,CA,91750.0,5300,,No
0,0,2002,9,1,06:42,$38.48,Swipe Transaction,-727612092139916043,Monterey Park,CA,91754.0,5411,,No
1,2,2019,12,13,23:05,$-99.00,Online Transaction,5817218446178736267,ONLINE,,,4784,"Bad PIN,Insufficient Balance",Yes
"""
IBM_AML = """\
Timestamp,From Bank,Account,To Bank,Account,Amount Received,Receiving Currency,Amount Paid,Payment Currency,Payment Format,Is Laundering
2022/09/01 00:20,010,8000EBD30,010,8000EBD30,3697.34,US Dollar,3697.34,US Dollar,Reinvestment,0
2022/09/01 00:21,03208,8000F4580,01,8000F5340,0.01,US Dollar,0.02,Euro,Cheque,1
"""
UPI = """\
Transaction ID,Timestamp,Sender Name,Sender UPI ID,Receiver Name,Receiver UPI ID,Amount (INR),Status
4d3db980-46cd-4158-a812-dcb77055d0d2,2024-06-22 04:06:38,Tiya Mall,4161803452@okaxis,Mohanlal Golla,7776849307@okybl,3907.34,FAILED
099ee548-2fc1-4811-bf92-559c467ca792,2024-06-19 06:04:49,Mohanlal Bakshi,8908837379@okaxis,Mehul Sankaran,7683454560@okaxis,8404.55,SUCCESS
"""
UPI_WITH_LABELS = """\
transaction id,timestamp,transaction type,merchant_category,amount (INR),transaction_status,sender_age_group,receiver_age_group,sender_state,sender_bank,receiver_bank,device_type,network_type,fraud_flag,hour_of_day,day_of_week,is_weekend
TXN0000000001,2024-10-08 15:17:28,P2P,Entertainment,868,SUCCESS,26-35,18-25,Delhi,Axis,SBI,Android,4G,0,15,Tuesday,0
TXN0000000002,2024-04-11 06:56:00,P2M,Grocery,1011,SUCCESS,26-35,26-35,Uttar Pradesh,ICICI,Axis,iOS,4G,1,6,Thursday,0
"""
HANDBOOK = """\
TRANSACTION_ID,TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT,TX_TIME_SECONDS,TX_TIME_DAYS,TX_FRAUD,TX_FRAUD_SCENARIO
0,2018-04-01 00:00:31,596,3156,57.16,31,0,0,0
1,2018-04-01 00:02:10,4961,3412,81.51,130,0,1,2
"""
BAF = """\
fraud_bool,income,name_email_similarity,prev_address_months_count,current_address_months_count,customer_age,days_since_request,intended_balcon_amount,payment_type,zip_count_4w,velocity_6h,velocity_24h,velocity_4w,bank_branch_count_8w,date_of_birth_distinct_emails_4w,employment_status,credit_risk_score,email_is_free,housing_status,phone_home_valid,phone_mobile_valid,bank_months_count,has_other_cards,proposed_credit_limit,foreign_request,source,session_length_in_minutes,device_os,keep_alive_session,device_distinct_emails_8w,device_fraud_count,month
1,0.9,0.166828,-1,88,50,0.020925,-1.331345,AA,769,10650.76,3134.31,3863.64,1,6,CA,185,0,BA,1,0,24,0,500.0,0,INTERNET,3.888115,windows,0,1,0,7
0,0.9,0.296286,-1,144,50,0.005418,-0.816224,AB,366,534.04,2670.91,3124.29,718,3,CA,259,1,BA,0,0,15,0,1500.0,0,TELEAPP,31.798819,windows,0,1,0,0
"""
BANK_CUSTOMERS = """\
TransactionID,CustomerID,CustomerDOB,CustGender,CustLocation,CustAccountBalance,TransactionDate,TransactionTime,TransactionAmount (INR)
T1,C5841053,10/1/94,F,JAMSHEDPUR,17819.05,2/8/16,143207,25
T2,C2142763,4/4/57,M,JHAJJAR,2270.69,2/8/16,41858,27999
T3,C2142763,4/4/57,M,JHAJJAR,2270.69,21/9/16,141858,27999
"""
BANK_ACCOUNTS = """\
TransactionID,AccountID,TransactionAmount,TransactionDate,TransactionType,Location,DeviceID,IP Address,MerchantID,Channel,CustomerAge,CustomerOccupation,TransactionDuration,LoginAttempts,AccountBalance,PreviousTransactionDate
TX000001,AC00128,14.09,2023-04-11 16:29:14,Debit,San Diego,D000380,162.198.218.92,M015,ATM,70,Doctor,81,1,5112.21,2024-11-04 08:08:08
TX000002,AC00455,376.24,2023-06-27 16:44:19,Credit,Houston,D000051,13.149.61.4,M052,Online,68,Doctor,141,1,13758.91,2024-11-04 08:09:35
"""
UPI_FRAUD = """\
Id,trans_hour,trans_day,trans_month,trans_year,category,upi_number,age,trans_amount,state,zip,fraud_risk
0,0,1,1,2022,12,9957000001,54,66.21,22,49879,0
1,13,28,2,2022,3,9957000002,15,55.81,14,42509,1
"""
MOMTSIM = """\
step,transactionType,amount,initiator,oldBalInitiator,newBalInitiator,recipient,oldBalRecipient,newBalRecipient,isFraud
0,PAYMENT,12.5,4537027967639631,100,87.5,6465-001,0,12.5,0
25,TRANSFER,80.0,4537027967639631,87.5,7.5,4680102210937163,0,80.0,1
"""
AMLSIM = """\
tran_id,orig_acct,bene_acct,tx_type,base_amt,tran_timestamp,is_sar,alert_id
1,5,6,TRANSFER,100.55,2017-01-01T00:00:00Z,False,-1
2,7,6,TRANSFER,99.1,2017-01-02T00:00:00Z,True,3
"""
BLOCK_LIST = """\
Change_Timestamp,Blocked_ID,Block_Type,Reason
2024-01-05 10:00:00,C123,Account,Suspicious activity
2024-01-06 11:00:00,C999,Device,Stolen
"""
